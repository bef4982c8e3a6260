import numpy as np
import pytest

from poolscore.neighbours.lists import Neighbours, empty_lists
from poolscore.neighbours.recall import overlap


def lists(*similarity: list[float]) -> Neighbours:
    values = np.array(similarity, np.float32)
    return Neighbours(np.arange(values.size, dtype=np.int32).reshape(values.shape), values)


def test_recall_is_the_share_of_places_with_a_true_neighbour() -> None:
    truth = lists([0.9, 0.8, 0.7, 0.6], [0.5, 0.5, 0.5, 0.5])
    found = lists([0.9, 0.8, 0.6, 0.2], [0.5, 0.5, 0.5, 0.4])
    assert overlap(found, truth) == pytest.approx(6 / 8)
    assert overlap(truth, truth) == 1.0
    assert overlap(empty_lists(3, 0), empty_lists(3, 0)) == 1.0


def test_neighbours_below_the_least_similarity_do_not_count() -> None:
    truth = lists([0.9, 0.8, 0.7, 0.6], [0.5, 0.5, 0.5, 0.5])
    found = lists([0.9, 0.7, 0.6, 0.2], [0.5, 0.5, 0.5, 0.4])
    assert overlap(found, truth, np.array([0.75, 0.95], np.float32)) == pytest.approx(1 / 2)
    assert overlap(found, truth, np.array([0.85, 0.95], np.float32)) == 1.0
    assert overlap(found, truth, np.array([0.95, 0.95], np.float32)) == 1.0
