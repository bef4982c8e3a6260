"""What a round is judged by.

Shapes: N images of the pool, M test images, C classes.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from poolscore.acquisition.base import Float32, Int64
from poolscore.evaluation.labeled_set import LabeledSet
from poolscore.evaluation.metrics import accuracy, auroc, expected_calibration_error, macro_f1
from poolscore.evaluation.records import Signals
from poolscore.evaluation.world import Predictions


@dataclass(frozen=True)
class Judgement:
    """Of the test images."""

    accuracy: float
    macro_f1: float
    calibration_error: float


def judge(data: LabeledSet, predicted_M: npt.NDArray[np.integer], p_M: Float32) -> Judgement:
    """Compare predictions and their probabilities with the truth."""
    truth_M = data.test_targets_M
    return Judgement(
        accuracy(predicted_M, truth_M),
        macro_f1(predicted_M, truth_M, len(data.classes)),
        expected_calibration_error(p_M, predicted_M == truth_M),
    )


def judge_signals(data: LabeledSet, seen: Predictions, rows: Int64) -> Signals:
    """How well each signal tells right predictions from wrong ones among these images."""
    scores = seen.scores.take(rows)
    right = scores.predicted == data.pool_targets_N[rows]
    return Signals(
        p_clean=auroc(scores.p_clean, right),
        max_prob=auroc(scores.probability, right),
        entropy=auroc(-scores.entropy, right),
        correctness=auroc(seen.evidence_N[rows], right),
    )
