"""What a simulation leaves behind: cells of one data set, protocol, arm and seed; rounds in them.

The JSON of a study is exactly these models.
"""

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

FORMAT = "poolscore-study/1"


class Protocol(StrEnum):
    """How many labels a round and how many rounds."""

    PERCENT = "percent"
    """1 % of the pool a round, 6 rounds."""
    PER_CLASS = "per-class"
    """One label a class a round, 8 rounds."""


class Table(StrEnum):
    """What is compared with what; results of different tables are never compared."""

    SELECTION = "selection"
    """Every arm chooses differently and trains alike, on its answers alone."""
    JOINT = "joint"
    """Whole methods: choice, training and pseudo-labels; those without any labels as well."""
    CANDIDATES = "candidates"
    """Answers are candidate sets, drawn alike for every arm; arms differ by the loss."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")


class Signals(_Frozen):
    """AUROC of a confidence for "the prediction is right", on the images without an answer."""

    p_clean: float
    max_prob: float
    entropy: float
    correctness: float
    """`poolscore.correctness.evidence`: three witnesses together."""


class Round(_Frozen):
    """What was measured after one training; round 0 is zero-shot, before any answer."""

    number: int = Field(ge=0)
    answers: int = Field(ge=0)
    """Answers asked of people so far: the budget that was actually spent."""
    kept: int = Field(default=0, ge=0)
    """Images whose prediction entered the training as a label, unasked (selective querying)."""
    pseudo_labels: int = Field(default=0, ge=0)
    """Mined images of this training."""
    accuracy: float
    """On the test images, as everything below except for `auroc`."""
    macro_f1: float
    calibration_error: float
    """Expected calibration error of the largest class probability, 15 bins."""
    auroc: Signals | None = None
    """None where the arm has no such signals (methods without labels)."""
    seconds: float = Field(ge=0)
    """Processor time of choice and training."""


class CellKey(_Frozen):
    """What was simulated."""

    data: str
    """Name of the data set, with its label column where there are several."""
    protocol: Protocol
    table: Table
    arm: str
    """Strategy, method or loss."""
    seed: int
    noise: float = 0.0
    """Probability of every wrong class to stand in a candidate set; 0: plain labels."""


class Cell(_Frozen):
    """One simulation from its first round to its last."""

    key: CellKey
    pool: int
    """Images that could be asked for."""
    classes: int
    rounds: tuple[Round, ...] = Field(min_length=1)


class Study(_Frozen):
    """All cells that are finished."""

    format: Literal["poolscore-study/1"] = FORMAT
    settings: dict[str, str]
    """What every cell depends on (encoder digest, version, configuration); another one makes
    stored cells useless."""
    cells: tuple[Cell, ...] = ()
