"""A snapshot at the scorers, as those that use it see it."""

import functools
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from ray.actor import ActorHandle

from pipelines.embeddings import Embeddings, Float16, Int64, OpenEmbeddings
from pipelines.scan import concatenate
from pipelines.spread import spread
from poolscore.scoring.types import PromptFeatures, Scores
from poolscore.store.files import open_store
from poolscore.store.records import Snapshot
from services.asking import answers
from services.scorer import Part
from services.scorer_actors import ScorerActor, find_scorer

ANSWER_TIMEOUT_S = 600.0
"""How long an answer may take; reading a part of many gigabytes from an object store is slow."""


def opener(store_uri: str) -> OpenEmbeddings:
    """Where workers have embeddings: at the scorers, or in the shards of too large a pool."""
    return functools.partial(_open, store_uri)


# Ids and addresses are many: a training asks for the same snapshot twice.
@functools.lru_cache(maxsize=1)
def _open(store_uri: str, snapshot: Snapshot) -> Embeddings:
    scorers: list[ActorHandle[ScorerActor]] = []
    while (found := find_scorer(store_uri, len(scorers))) is not None:
        scorers.append(found)
    parts = [Part(snapshot, number, len(scorers)) for number in range(len(scorers))]
    pairs = zip(scorers, parts, strict=True)
    names = _ask([scorer.names.remote(part) for scorer, part in pairs])
    if not names or None in names:
        return spread(open_store(store_uri), snapshot)
    return RemoteEmbeddings(scorers, parts, names)


_ask = functools.partial(
    answers, who="a scorer, which holds embeddings in memory", timeout_s=ANSWER_TIMEOUT_S
)


class RemoteEmbeddings:
    """A snapshot at the scorers, one part at each; rows are those of the parts in their order.

    Raises UnavailableError WORKER_UNAVAILABLE when one does not answer.
    """

    def __init__(
        self,
        scorers: Sequence[ActorHandle[ScorerActor]],
        parts: Sequence[Part],
        names: Sequence[tuple[pa.Array, pa.Array]],
    ) -> None:
        """`names` are what the scorers said of their parts."""
        self._scorers, self._parts = scorers, parts
        self.ids: pa.Array = pa.concat_arrays([ids for ids, _ in names])
        self.uris: pa.Array = pa.concat_arrays([uris for _, uris in names])
        self._ends = np.cumsum([len(ids) for ids, _ in names])

    def score(self, prompts: PromptFeatures) -> Scores:
        """Score every image, all parts at once."""
        pairs = zip(self._scorers, self._parts, strict=True)
        return concatenate(_ask([scorer.score.remote(part, prompts) for scorer, part in pairs]))

    def take(self, rows: Int64) -> Float16:
        """Ask each scorer for its rows."""
        of = np.searchsorted(self._ends, rows, side="right")
        starts = np.append(0, self._ends[:-1])
        own = [np.flatnonzero(of == number) for number in range(len(self._parts))]
        asked = zip(self._scorers, self._parts, own, starts, strict=True)
        taken = _ask(
            [scorer.take.remote(part, rows[mine] - first) for scorer, part, mine, first in asked]
        )
        out = np.empty((len(rows), taken[0].shape[1]), np.float16)
        for mine, features_nD in zip(own, taken, strict=True):
            out[mine] = features_nD
        return out
