"""The contract of a strategy: a view of the unlabeled pool in, a ranked choice out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from poolscore.scoring.types import Scores


@dataclass(frozen=True)
class PoolView:
    """The unlabeled pool as a strategy sees it; row i of every field is item `ids[i]`."""

    ids: npt.NDArray[np.str_]
    """Item ids, shape (N,); ties are broken by id."""
    scores: Scores
    """Scores by the prompt version in force, N rows."""
    classes: Sequence[str]
    """Class names in index order."""


@dataclass(frozen=True)
class Choice:
    """Chosen rows in order, best first; arrays of equal length."""

    rows: npt.NDArray[np.int64]
    """Row numbers into the view, all different."""
    utilities: npt.NDArray[np.float64]
    """What the strategy maximised; comparable inside one choice only."""
    reasons: Sequence[str]
    """One short sentence a row: why it stands at this place."""


class Strategy(Protocol):
    """Chooses what to label next. Deterministic by `rng`; ties are broken by id."""

    name: str

    def query(self, view: PoolView, batch_size: int, rng: np.random.Generator) -> Choice:
        """Return min(batch_size, N) rows, best first."""
        ...
