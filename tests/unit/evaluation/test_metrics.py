import math

import numpy as np
import pytest
from sklearn.metrics import f1_score, roc_auc_score

from poolscore.evaluation.metrics import accuracy, auroc, expected_calibration_error, macro_f1


def test_accuracy() -> None:
    assert accuracy(np.array([1, 2, 3, 4]), np.array([1, 2, 0, 4])) == 0.75
    assert math.isnan(accuracy(np.array([], np.int32), np.array([], np.int32)))


def test_macro_f1_by_hand() -> None:
    # Class 0: TP 1, FP 1, FN 1. Class 1: only predicted. Class 2: only a target. Class 3: neither.
    predicted, target = np.array([0, 0, 1]), np.array([0, 2, 0])
    assert macro_f1(predicted, target, 4) == pytest.approx((0.5 + 0 + 0) / 3)
    assert math.isnan(macro_f1(predicted[:0], target[:0], 4))
    with pytest.raises(ValueError, match="below 2"):
        macro_f1(predicted, target, 2)


@pytest.mark.parametrize("classes", [2, 7, 60])
def test_macro_f1_equals_scikit_learn(classes: int) -> None:
    rng = np.random.default_rng(classes)
    target = rng.integers(0, classes, 80)
    predicted = np.where(rng.random(80) < 0.5, target, rng.integers(0, classes, 80))
    present = np.union1d(predicted, target)
    expected = f1_score(target, predicted, labels=present, average="macro", zero_division=0.0)  # pyright: ignore[reportArgumentType]
    assert macro_f1(predicted, target, classes) == pytest.approx(float(expected), abs=1e-12)


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
