import numpy as np

from poolscore.acquisition.farthest_first import farthest_first
from tests.unit.acquisition.views import unit


def transcription(points: np.ndarray, start: np.ndarray, count: int) -> list[int]:
    """k-centre greedy as it is written, in float64."""
    points, start = points.astype(np.float64), start.astype(np.float64)
    rows: list[int] = []
    if not len(start):
        rows.append(int(np.linalg.norm(points - points.mean(axis=0), axis=1).argmin()))
    while len(rows) < count:
        centres = np.concatenate([start, points[rows]])
        distance = np.linalg.norm(points[:, None] - centres[None], axis=2).min(axis=1)
        distance[rows] = -1.0
        rows.append(int(distance.argmax()))
    return rows


def test_the_ranking_is_that_of_the_algorithm_as_written() -> None:
    rng = np.random.default_rng(0)
    points = unit(rng.normal(size=(200, 12)))
    for labels in (0, 1, 300):
        start = unit(rng.normal(size=(labels, 12)))
        assert farthest_first(points, start, 40)[0].tolist() == transcription(points, start, 40)


def test_distances_by_hand() -> None:
    points = np.array([[0.0], [4.0], [6.0], [11.0]], np.float32)
    rows, far = farthest_first(points, np.array([[1.0]], np.float32), 4)
    assert rows.tolist() == [3, 2, 1, 0]
    assert far.tolist() == [10.0, 5.0, 2.0, 1.0]


def test_without_a_start_the_middle_is_first() -> None:
    points = np.array([[0.0], [4.0], [6.0], [11.0]], np.float32)  # mean 5.25
    rows, far = farthest_first(points, points[:0], 2)
    assert rows.tolist() == [2, 0]
    assert far.tolist() == [6.0, 6.0]


def test_duplicates_are_taken_once_each() -> None:
    rows, far = farthest_first(np.ones((4, 2), np.float32), np.ones((1, 2), np.float32), 9)
    assert rows.tolist() == [0, 1, 2, 3]
    assert far.tolist() == [0.0] * 4
