"""What a report shows; where it comes from is the caller's business."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class CurvePoint:
    """The state after one round; accuracies and areas are in 0..1."""

    labels: int
    """Labels spent so far; 0 is zero-shot."""
    accuracy: float
    accuracy_random: float
    """The same budget and training on images drawn at random."""
    auroc_p_clean: float
    """Of p_clean, for "the prediction is right", on the unanswered pool; may be NaN."""
    auroc_max_prob: float


@dataclass(frozen=True)
class RankedImage:
    """One image of the contact sheet, in the order of the ranking."""

    uri: str
    predicted: str
    probability: float
    p_clean: float
    reason: str
    truth: str | None
    """The right class when it is known."""


@dataclass(frozen=True)
class ClassCount:
    """Labels spent on a class beside its share of the pool."""

    name: str
    labels: int
    labels_random: int
    pool: int


@dataclass(frozen=True)
class ReportData:
    """Everything that `write_report` needs."""

    title: str
    pool: str
    strategy: str
    encoder: str
    pool_size: int
    embedded: int
    rejects: Mapping[str, int]
    """Rejected inputs by reason."""
    curve: Sequence[CurvePoint]
    """From zero-shot on, at least one point."""
    p_clean_right: Sequence[float]
    """p_clean of the last version where its prediction is right, on the unanswered pool."""
    p_clean_wrong: Sequence[float]
    contact_sheet: Sequence[RankedImage]
    measured_on: str
    """One honest sentence: which images the accuracies are measured on."""
    balance: Sequence[ClassCount]
    stages: Sequence[tuple[str, float]]
    """Stage name and seconds, in order."""
    verdict: str
    """One honest sentence: how the choice compares with random."""
    provenance: Mapping[str, str]
    """Names of snapshot, prompt version, ranking, encoder digest, seed, version."""
