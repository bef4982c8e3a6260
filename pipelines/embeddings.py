"""The cached embeddings of a snapshot, wherever they are held."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from poolscore.scoring.types import PromptFeatures, Scores
from poolscore.store.arrow import compute as pc
from poolscore.store.records import Snapshot

Float16 = npt.NDArray[np.float16]
Int64 = npt.NDArray[np.int64]


class Embeddings(Protocol):
    """The N embedded images of a snapshot, D wide; row i of everything is the same image.

    The order of the rows is the holder's own and does not change.
    """

    @property
    def ids(self) -> pa.Array:
        """Item ids, N strings."""
        ...

    @property
    def uris(self) -> pa.Array:
        """Addresses, N large strings."""
        ...

    def score(self, prompts: PromptFeatures) -> Scores:
        """Score all of them."""
        ...

    def take(self, rows: Int64) -> Float16:
        """Embeddings of these rows, (len(rows), D), in this order."""
        ...


OpenEmbeddings = Callable[[Snapshot], Embeddings]
"""Where the embeddings of a snapshot are had."""


@dataclass(frozen=True)
class ScoredPool:
    """The embedded images of a snapshot with their scores by a prompt version."""

    embeddings: Embeddings
    scores: Scores

    @property
    def ids(self) -> pa.Array:
        """Item ids."""
        return self.embeddings.ids

    def __len__(self) -> int:
        """Number of images."""
        return len(self.scores)


def present(ids: pa.Array, wanted: Sequence[str]) -> list[str]:
    """Those of the items `wanted` that the pool `ids` has, in their order."""
    names = pa.array(wanted, pa.string())
    # Few are wanted of many: hashing all ids of the pool would take seconds.
    found = ids.filter(pc.is_in(ids, value_set=names))
    return names.filter(pc.is_in(names, value_set=found)).to_pylist()


def rows_of(ids: pa.Array, wanted: Sequence[str]) -> Int64:
    """Rows of the items `wanted`, in their order; KeyError when one is not there."""
    names = pa.array(wanted, pa.string())
    found = pc.indices_nonzero(pc.is_in(ids, value_set=names))
    places = pc.index_in(names, value_set=ids.take(found))
    if places.null_count:
        missing = names.filter(pc.is_null(places)).to_pylist()
        raise KeyError(f"{len(missing)} items are not in the snapshot, such as {min(missing)}")
    return found.take(places).to_numpy().astype(np.int64)
