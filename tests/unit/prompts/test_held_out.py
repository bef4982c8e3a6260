from dataclasses import replace

import numpy as np
import pytest
import torch

from poolscore.prompts.held_out import compare, in_share, measure, sign_test, without_comparison
from poolscore.scoring.types import PromptFeatures

ITEMS = [f"item-{number}" for number in range(5000)]
TEXT = torch.eye(4)[:3]
GOOD = PromptFeatures(TEXT, None, 10.0)
BAD = replace(GOOD, positive_CD=TEXT[[1, 0, 2]])
"""Takes the classes 0 and 1 for each other."""


def test_a_share_is_by_the_id_alone_and_shares_are_nested() -> None:
    tenth, third = in_share(ITEMS, 0.1), in_share(ITEMS, 0.3)
    assert 400 < tenth.sum() < 600
    assert 1350 < third.sum() < 1650
    assert not (tenth & ~third).any()
    assert np.array_equal(in_share(ITEMS[::-1], 0.1), tenth[::-1])
    assert not in_share(ITEMS, 0.0).any()
    assert in_share([], 0.5).shape == (0,)


@pytest.mark.parametrize(
    ("lost", "won", "p_value"),
    [(0, 0, 1.0), (0, 5, 1.0), (4, 0, 1 / 16), (5, 0, 1 / 32), (5, 1, 7 / 64), (3, 3, 42 / 64)],
)
def test_the_sign_test_is_exact(lost: int, won: int, p_value: float) -> None:
    assert sign_test(lost, won) == pytest.approx(p_value)


def images(*classes: int) -> tuple[np.ndarray, np.ndarray]:
    return TEXT.numpy()[list(classes)].astype(np.float16), np.array(classes, np.int64)


def test_a_worse_version_is_refused_and_a_better_one_is_not() -> None:
    features, targets = images(*[0, 1, 2] * 7)
    worse = compare(GOOD, BAD, features, targets, 3)
    assert not worse.promoted
    assert (worse.held_out, worse.compared_with) == (21, 3)
    assert (worse.accuracy, worse.active_accuracy) == (pytest.approx(1 / 3), 1.0)
    assert worse.p_value == pytest.approx(0.5**14)
    assert worse.reason.startswith(
        "refused: 33.3% of 21 held-out labels right, 100.0% by version 3"
    )
    assert worse.p_clean_error is not None
    assert worse.active_p_clean_error is not None
    assert worse.p_clean_error > worse.active_p_clean_error
    assert compare(BAD, GOOD, features, targets, 3).promoted
    assert compare(GOOD, GOOD, features, targets, 3).p_value == 1.0


def test_a_loss_that_chance_explains_is_let_in() -> None:
    features, targets = images(0, 1, 0, 1, *[2] * 30)
    judged = compare(GOOD, BAD, features, targets, 0)
    assert judged.promoted
    assert judged.p_value == pytest.approx(1 / 16)


def test_too_few_labels_say_so() -> None:
    judged = without_comparison(7, 20, 2)
    assert judged.promoted
    assert (judged.held_out, judged.accuracy) == (0, None)
    assert "7 held-out labels" in judged.reason
    assert "20 are needed" in judged.reason


def test_a_version_is_measured_by_what_it_has_not_seen() -> None:
    features, targets = images(*[0, 1, 2] * 7)
    measured = measure(BAD, features, targets)
    assert measured["held_out"] == 21
    assert measured["held_out_accuracy"] == pytest.approx(1 / 3)
    # Sure of everything, and as sure of what is wrong.
    assert measured["held_out_p_clean_auroc"] == pytest.approx(0.5)
    assert measured["held_out_p_clean_calibration_error"] == pytest.approx(2 / 3, abs=0.01)


def test_what_labels_cannot_tell_is_no_metric() -> None:
    features, targets = images(0, 1, 2)
    assert measure(GOOD, features, targets).keys() == {
        "held_out",
        "held_out_accuracy",
        "held_out_p_clean_calibration_error",
    }
    assert measure(GOOD, features[:0], targets[:0]) == {"held_out": 0}
