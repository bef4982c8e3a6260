"""The contract of a strategy: a view of the unlabeled pool in, a ranked choice out.

Shapes: N images of the pool, L labeled images, C classes, D embedding width, K neighbours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
import numpy.typing as npt

from poolscore.neighbours.lists import Neighbours
from poolscore.scoring.types import Scores

Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]


class Need(StrEnum):
    """What a strategy reads beside ids and scores; the view's field is None unless needed."""

    PROBABILITIES = "probabilities"
    FEATURES = "features"
    NEIGHBOURS = "neighbours"
    LABELED = "labeled"
    TEXT = "text"


@dataclass(frozen=True)
class Labeled:
    """Images with a label, in an order that says nothing of the pool's (by id); L may be 0."""

    features_LD: npt.NDArray[np.floating]
    """Cached embeddings, L2-normalised."""
    targets_L: Int64
    """Class index of the label in force."""
    probabilities_LC: Float32
    """Class probabilities by the prompt version in force."""


@dataclass(frozen=True)
class PoolView:
    """The unlabeled pool as a strategy sees it; row i of every field is item `ids[i]`."""

    ids: npt.NDArray[np.str_]
    """Item ids, shape (N,), all different; ties are broken by id."""
    scores: Scores
    """Scores by the prompt version in force, N rows."""
    classes: Sequence[str]
    """Class names in index order."""
    probabilities_NC: Float32 | None = None
    """Class probabilities by the prompt version in force."""
    features_ND: npt.NDArray[np.floating] | None = None
    """Cached embeddings, L2-normalised, float16 or float32."""
    neighbours: Neighbours | None = None
    """Graph of the pool."""
    labeled: Labeled | None = None
    """What is labeled so far; without labels it is there and empty."""
    text_CD: Float32 | None = None
    """Text features of the positive prompt, L2-normalised."""
    classifier_CD: Float32 | None = None
    """Rows w_k with argmax_k <v, w_k> the prediction for a cached embedding v: the text features
    with the adapter folded in. None: there is no adapter, and they are the text features."""
    stands_for: float = 1.0
    """Images of the pool for every row; above 1 where the rows are drawn from a larger pool."""

    def in_pool(self, rows: int) -> int:
        """About how many images of the pool so many rows stand for."""
        return round(rows * self.stands_for)


@dataclass(frozen=True)
class Choice:
    """Chosen rows in order, best first; arrays of equal length."""

    rows: Int64
    """Row numbers into the view, all different."""
    utilities: npt.NDArray[np.float64]
    """What the strategy maximised; comparable inside one choice only."""
    reasons: Sequence[str]
    """One short sentence a row: why it stands at this place."""
    keep_prediction: npt.NDArray[np.bool_] | None = None
    """Rows that should enter the labeled set with their predicted class, without a question to
    anybody; None: all are to be asked."""


NOTHING = Choice(np.empty(0, np.int64), np.empty(0, np.float64), ())
"""The choice from an empty pool, or for an empty batch."""


class Strategy(Protocol):
    """Chooses what to label next. Deterministic by `rng`; ties are broken by id.

    The order of the view's rows does not matter. An algorithm that depends on an order (seeding
    of a clustering, greedy covers) runs in the order of the ids: `in_id_order`.
    """

    @property
    def name(self) -> str:
        """The name that a user chooses it by."""
        ...

    @property
    def needs(self) -> frozenset[Need]:
        """Fields of the view that must not be None."""
        ...

    @property
    def most(self) -> int | None:
        """Rows at most that it is given; of a larger pool so many are drawn. None: all."""
        ...

    @property
    def batchwise(self) -> bool:
        """Whether a choice is made for one batch as a whole and is no order of the pool."""
        ...

    def query(self, view: PoolView, batch_size: int, rng: np.random.Generator) -> Choice:
        """Return min(batch_size, N) rows, best first."""
        ...
