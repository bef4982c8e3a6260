import numpy as np

from poolscore.acquisition.base import PoolView
from poolscore.acquisition.least_confidence import LeastConfidence
from poolscore.scoring.types import Scores


def test_smallest_probability_first() -> None:
    zeros = np.zeros(4, np.float32)
    probability = np.array([0.9, 0.4, 0.6, 0.4], np.float32)
    scores = Scores(np.array([0, 1, 1, 0], np.int32), probability, zeros, zeros, zeros)
    view = PoolView(np.array(["a", "d", "c", "b"]), scores, ["cat", "dog"])
    choice = LeastConfidence().query(view, 3, np.random.default_rng(0))
    assert choice.rows.tolist() == [3, 1, 2]
    assert choice.reasons[0] == "even the likeliest class, 'cat', has only probability 0.40"
    np.testing.assert_allclose(choice.utilities, [0.6, 0.6, 0.4], atol=1e-6)
