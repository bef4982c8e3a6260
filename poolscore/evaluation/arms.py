"""What a study compares: one arm is a way to choose, to train and to use the rest of the pool."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Literal, cast, get_args

from poolscore.acquisition.registry import get_strategy
from poolscore.correctness.evidence import WITNESSES
from poolscore.evaluation.records import Table
from poolscore.labels.candidates.names import CandidateLossName
from poolscore.prompts.bafta import BaftaConfig
from poolscore.prompts.coft import CoftConfig
from poolscore.prompts.config import DualPromptConfig

LabelFreeMethod = Literal["zero-shot", "bafta", "coft"]

LABELS_ONLY = DualPromptConfig(pseudo_per_class=0)
"""How every arm of the selection table trains."""
MINING = LABELS_ONLY.model_copy(update={"pseudo_per_class": 16, "pseudo_confidence": 0.9})
"""Our training with pseudo-labels."""
PUBLISHED_MINING = LABELS_ONLY.model_copy(update={"pseudo_per_class": 16})
"""ActiveCLIP's: the K = k surest of each class [A: K not given; C: 16, UPL's habit]."""
CANDIDATE_LOSSES: tuple[CandidateLossName, ...] = ("naive", "rc")
JOINT_DEFAULT, JOINT_CONTROL = "ours", "random + same mining"


@dataclass(frozen=True)
class ActiveArm:
    """Asks, learns, asks again."""

    name: str
    table: Table
    strategy: str
    config: DualPromptConfig = LABELS_ONLY
    """Training of the model that is measured."""
    asking: DualPromptConfig | None = None
    """Training of the model that chooses, where it is another one."""


@dataclass(frozen=True)
class LabelFreeArm:
    """Never asks anybody."""

    name: LabelFreeMethod
    table: Table = Table.JOINT


Arm = ActiveArm | LabelFreeArm


def selection_arms(strategies: Sequence[str]) -> list[Arm]:
    """Every strategy with the same training on its answers alone.

    C-PEAL's rule is entropy on a calibrated model: that model chooses, and another one, trained
    like everybody's, is measured.
    """
    calibrated = LABELS_ONLY.model_copy(update={"calibration_weight": 1.0})
    return [
        ActiveArm(name, Table.SELECTION, name, asking=calibrated if name == "c_peal" else None)
        for name in strategies
    ]


def joint_arms(default: str) -> list[Arm]:
    """Whole methods: ours with and without pseudo-labels, random images, the published ones."""
    return [
        ActiveArm(JOINT_DEFAULT, Table.JOINT, default, MINING),
        ActiveArm("ours without mining", Table.JOINT, default),
        ActiveArm(JOINT_CONTROL, Table.JOINT, "random", MINING),
        ActiveArm("ActiveCLIP (re-implementation)", Table.JOINT, "dual_prompt", PUBLISHED_MINING),
        *(LabelFreeArm(method) for method in get_args(LabelFreeMethod)),
    ]


def candidate_arms() -> list[Arm]:
    """The same random images and candidate sets, other losses, with and without alignment."""
    return [
        ActiveArm(
            f"{loss} + alignment" if aligned else loss,
            Table.CANDIDATES,
            "random",
            LABELS_ONLY.model_copy(update={"candidate_loss": loss, "candidate_alignment": aligned}),
        )
        for loss in CANDIDATE_LOSSES
        for aligned in (False, True)
    ]


def fingerprint(strategies: Sequence[str], default: str) -> str:
    """Digest of what the names of arms stand for, the same in every process."""
    arms = [*joint_arms(default), *candidate_arms(), *selection_arms(strategies)]
    methods = [get_strategy(arm.strategy) for arm in arms if isinstance(arm, ActiveArm)]
    what = _described((arms, methods, WITNESSES, CoftConfig(), BaftaConfig()))
    return hashlib.sha256(what.encode()).hexdigest()[:16]


def _described(value: object) -> str:
    """As `repr`, without addresses, and sets in order."""
    if isinstance(value, frozenset):
        return str(sorted(map(_described, cast("frozenset[object]", value))))
    if isinstance(value, list | tuple):
        return str([_described(each) for each in cast("Sequence[object]", value)])
    if is_dataclass(value):
        parts = [f"{each.name}={_described(getattr(value, each.name))}" for each in fields(value)]
        return f"{type(value).__name__}({', '.join(parts)})"
    if type(value).__repr__ is object.__repr__:
        return type(value).__name__  # without parameters
    return repr(value)
