"""Labels kept out of training, to judge what was trained.

Shapes: N answered images, H held out of them, D embedding width.
"""

import math
from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from poolscore.evaluation.metrics import accuracy, auroc, expected_calibration_error
from poolscore.prompts.version_metrics import (
    HELD_OUT,
    HELD_OUT_ACCURACY,
    HELD_OUT_AUROC,
    HELD_OUT_CALIBRATION_ERROR,
)
from poolscore.scoring.kernel import score
from poolscore.scoring.types import PromptFeatures, Scores
from poolscore.store.records import Promotion

WORSE = 0.05
"""p-value from which on a candidate counts as worse."""

Bools = npt.NDArray[np.bool_]


def in_share(item_ids: Sequence[str], share: float) -> Bools:
    """Whether each item belongs to the share, (N,): by its id alone, so always the same ones, and
    all of a smaller share are in a larger one."""
    digests = (blake2b(each.encode(), digest_size=8).digest() for each in item_ids)
    below = [int.from_bytes(digest, "big") < share * 2.0**64 for digest in digests]
    return np.array(below, np.bool_)


def without_comparison(labels: int, least: int, compared_with: int) -> Promotion:
    """The promotion of a version that too few labels can judge."""
    reason = (
        f"promoted without a comparison: {labels} held-out labels that the active version has not "
        f"seen, and {least} are needed"
    )
    return Promotion(True, reason, compared_with)


def compare(
    active: PromptFeatures,
    candidate: PromptFeatures,
    features_HD: npt.NDArray[np.float16],
    targets_H: npt.NDArray[np.integer],
    compared_with: int,
) -> Promotion:
    """Refuse the candidate when it is significantly less accurate than the active prompts.

    An exact one-sided sign test of the labels that one of them alone predicts (McNemar): had both
    the same accuracy, each of these would be as likely the one's as the other's. So a version that
    loses by chance is let in, and one that is worse by little waits for more labels to show it.
    H must not be 0.
    """
    before, after = score(features_HD, active), score(features_HD, candidate)
    was_right_H, is_right_H = before.predicted == targets_H, after.predicted == targets_H
    lost, won = int((was_right_H & ~is_right_H).sum()), int((is_right_H & ~was_right_H).sum())
    p_value = sign_test(lost, won)
    promoted = p_value > WORSE
    share, active_share = float(is_right_H.mean()), float(was_right_H.mean())
    verdict = "promoted" if promoted else "refused"
    return Promotion(
        promoted=promoted,
        reason=(
            f"{verdict}: {share:.1%} of {len(targets_H)} held-out labels right, {active_share:.1%} "
            f"by version {compared_with}; it lost {lost} and won {won} of them (p = {p_value:.3f})"
        ),
        compared_with=compared_with,
        held_out=len(targets_H),
        accuracy=share,
        active_accuracy=active_share,
        p_clean_error=_error(after, is_right_H),
        active_p_clean_error=_error(before, was_right_H),
        p_value=p_value,
    )


def measure(
    prompts: PromptFeatures,
    features_HD: npt.NDArray[np.float16],
    targets_H: npt.NDArray[np.integer],
) -> dict[str, float]:
    """Metrics of a prompt version by labels that it has not learned from, perhaps none.

    What does not exist is left out: such as the AUROC, where all predictions are right.
    """
    scores = score(features_HD, prompts)
    right_H = scores.predicted == targets_H
    measured = {
        HELD_OUT: float(len(targets_H)),
        HELD_OUT_ACCURACY: accuracy(scores.predicted, targets_H),
        HELD_OUT_AUROC: auroc(scores.p_clean, right_H),
        HELD_OUT_CALIBRATION_ERROR: expected_calibration_error(scores.p_clean, right_H),
    }
    return {name: value for name, value in measured.items() if not math.isnan(value)}


def sign_test(lost: int, won: int) -> float:
    """Probability that a fair coin gives `lost` or more of lost + won; 1 without any."""
    tosses = lost + won
    ways = sum(math.comb(tosses, count) for count in range(lost, tosses + 1))
    return ways / 2**tosses


def _error(scores: Scores, is_right_H: Bools) -> float:
    return float(np.mean((scores.p_clean.astype(np.float64) - is_right_H) ** 2))
