import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from poolscore.evaluation.metrics import accuracy, auroc, expected_calibration_error


def test_accuracy() -> None:
    assert accuracy(np.array([1, 2, 3, 4]), np.array([1, 2, 0, 4])) == 0.75
    assert math.isnan(accuracy(np.array([], np.int32), np.array([], np.int32)))


@pytest.mark.parametrize("levels", [2, 5, 10_000])
def test_auroc_equals_scikit_learn(levels: int) -> None:
    rng = np.random.default_rng(levels)
    score = np.floor(rng.random(500) * levels) / levels
    positive = rng.random(500) < 0.2 + 0.5 * score
    assert auroc(score, positive) == pytest.approx(float(roc_auc_score(positive, score)), abs=1e-12)


def test_auroc_without_both_kinds_is_nan() -> None:
    score = np.array([0.1, 0.2])
    assert math.isnan(auroc(score, np.array([True, True])))
    assert math.isnan(auroc(score, np.array([False, False])))
    assert math.isnan(auroc(score[:0], np.array([], np.bool_)))


def test_auroc_refuses_nan_scores() -> None:
    with pytest.raises(ValueError, match="nan"):
        auroc(np.array([0.1, np.nan]), np.array([True, False]))


def test_calibration_error_by_hand() -> None:
    # Two bins of (0, .5], (.5, 1]: gaps |.4 - .5| and |.8 - 1|, weights 2/3 and 1/3.
    probability = np.array([0.3, 0.5, 0.8])
    correct = np.array([True, False, True])
    expected = 2 / 3 * 0.1 + 1 / 3 * 0.2
    assert expected_calibration_error(probability, correct, bins=2) == pytest.approx(expected)
    assert math.isnan(expected_calibration_error(probability[:0], correct[:0]))
