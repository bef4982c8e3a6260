"""Numbers that say how good predictions and their confidences are.

Shapes: N predictions, C classes.
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.integer]


def accuracy(predicted_N: Ints, target_N: Ints) -> float:
    """Return the share of equal entries; nan when there are none to compare."""
    return float(np.mean(predicted_N == target_N)) if len(target_N) else float("nan")


def macro_f1(predicted_N: Ints, target_N: Ints, classes: int) -> float:
    """Return the mean over classes of F1 = 2 TP / (2 TP + FP + FN), in [0, 1].

    A class that is neither predicted nor a target has no F1 and does not count; one that is only
    predicted, or never found, counts as 0. nan for N = 0. Raises ValueError when an index is
    outside 0..classes - 1.
    """
    predicted_C, target_C, right_C = (
        np.bincount(indices, minlength=classes)
        for indices in (predicted_N, target_N, target_N[predicted_N == target_N])
    )
    if max(len(predicted_C), len(target_C)) > classes:
        raise ValueError(f"macro_f1 needs class indices below {classes}")
    both_C = predicted_C + target_C
    present_C = both_C > 0
    if not present_C.any():
        return float("nan")
    return float(np.mean(2.0 * right_C[present_C] / both_C[present_C]))


def auroc(score_N: Floats, positive_N: Flags) -> float:
    """Return the probability that a random positive scores above a random negative.

    Ties count one half (Mann-Whitney U with midranks). With only positives or only negatives the
    quantity does not exist and nan is returned. Raises ValueError when a score is nan.
    """
    if np.isnan(score_N).any():
        raise ValueError("auroc needs numbers: a score is nan.")
    flags = positive_N.astype(np.bool_)
    positives = int(flags.sum())
    negatives = len(flags) - positives
    if positives == 0 or negatives == 0:
        return float("nan")
    _, inverse, counts = np.unique(score_N, return_inverse=True, return_counts=True)
    midranks = np.cumsum(counts) - (counts - 1) / 2.0
    rank_sum = float(midranks[inverse][flags].sum())
    return (rank_sum - positives * (positives + 1) / 2.0) / (positives * negatives)


def expected_calibration_error(probability_N: Floats, correct_N: Flags, bins: int = 15) -> float:
    """Return the mean gap between confidence and accuracy over equal-width bins, in [0, 1].

    Bins are (0, 1/bins], ..., weighted by their share of N (Guo et al. 2017, Eq. 3); nan for N = 0.
    """
    if len(probability_N) == 0:
        return float("nan")
    place = np.clip(np.ceil(probability_N * bins).astype(np.int64) - 1, 0, bins - 1)
    confidence = np.bincount(place, weights=probability_N, minlength=bins)
    right = np.bincount(place, weights=correct_N, minlength=bins)
    return float(np.abs(confidence - right).sum() / len(probability_N))
