from dataclasses import replace

import numpy as np
import pytest
import torch

from poolscore.evaluation.measure import judge, judge_signals
from poolscore.evaluation.world import Predictions, World
from poolscore.scoring.types import PromptFeatures, Scores


def test_the_test_images_are_judged_against_their_classes(world: World) -> None:
    data = replace(world.data, test_targets_M=np.array([0, 1, 1, 3]))
    found = judge(data, np.array([0, 1, 0, 3]), np.array([1.0, 1.0, 1.0, 1.0], np.float32))
    assert found.accuracy == 0.75
    # F1 of classes 0, 1 and 3: 2/3, 2/3 and 1; class 2 is not there.
    assert found.macro_f1 == pytest.approx(7 / 9)
    assert found.calibration_error == pytest.approx(0.25)


def test_signals_are_those_of_the_rows_asked_for(world: World) -> None:
    """Four images with a label and four without; only those without are looked at."""
    truth = np.zeros(8, np.int64)
    predicted = np.array([1, 1, 1, 1, 0, 1, 0, 1], np.int32)
    confidence = np.array([0.9, 0.9, 0.9, 0.9, 0.8, 0.1, 0.4, 0.5], np.float32)
    seen = Predictions(
        PromptFeatures(torch.eye(2), None, 1.0),
        Scores(predicted, confidence, confidence, 1 - confidence, 1 - confidence),
        np.zeros((8, 2), np.float32),
        confidence.astype(np.float64),
    )
    data = replace(world.data, pool_targets_N=truth)
    found = judge_signals(data, seen, np.arange(4, 8))
    # Of the pairs of a right (0.8, 0.4) and a wrong one (0.1, 0.5) three are in order.
    assert found.max_prob == found.entropy == found.correctness == 0.75
    assert found.p_clean == 0.25
    assert judge_signals(data, seen, np.arange(8)).max_prob == pytest.approx(2 * 1.5 / 12)
