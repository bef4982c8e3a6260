"""What the page about a pool shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from poolscore.store.records import Pool
from services.report.data import RankedImage
from services.report.doubt import Doubt


@dataclass(frozen=True)
class VersionRow:
    """A prompt version and how good it is known to be; numbers are NaN where they are not."""

    number: int
    active: bool
    labels: int
    """Answers it was trained with."""
    create_time: datetime
    accuracy: float
    """Share of the held-out labels that it predicts."""
    held_out: int
    """How many these are."""
    refused: str
    """Why it was not let in force; empty when it was."""
    judged: Doubt
    """Its predictions of images that were leased then and are answered now."""


@dataclass(frozen=True)
class ClassRow:
    """Labels of a class, and images of the active ranking predicted to be of it."""

    name: str
    labels: int
    predicted: int


@dataclass(frozen=True)
class AnnotatorRow:
    """Answers in force of one annotator."""

    name: str
    answers: int
    newest: datetime


@dataclass(frozen=True)
class ConflictRow:
    """An image on which annotators differ: who said what, oldest first."""

    item: str
    answers: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class PoolReport:
    """Everything that `write_pool_report` needs."""

    pool: Pool
    made: datetime
    rejects: Mapping[str, int]
    """Rejected inputs of the active snapshot by reason."""
    versions: Sequence[VersionRow]
    """Oldest first, at least one."""
    classes: Sequence[ClassRow]
    annotators: Sequence[AnnotatorRow]
    abstained: int
    """Images whose effective answer is "cannot tell"."""
    untrained: int
    """Images whose effective answer came after the active version was trained."""
    open_p_clean: npt.NDArray[np.floating]
    """p_clean of every image of the active ranking."""
    sheet: Sequence[RankedImage]
    """What a lease would give now, best first."""
    conflicts: Sequence[ConflictRow]
    more_conflicts: bool
    """There are others than those listed."""
    provenance: Mapping[str, str]
