import numpy as np

from poolscore.acquisition.base import NOTHING, Choice, PoolView
from poolscore.acquisition.remainder import complete
from poolscore.scoring.types import Scores


def view() -> PoolView:
    zeros = np.zeros(5, np.float32)
    entropy = np.array([0.5, 0.9, 0.9, 0.1, 0.7], np.float32)
    scores = Scores(np.zeros(5, np.int32), zeros, zeros, entropy, zeros)
    return PoolView(np.array(["a", "c", "b", "d", "e"]), scores, ["only"])


def test_the_rest_follows_by_entropy_then_id() -> None:
    start = Choice(np.array([4]), np.array([3.0]), ["first"], np.array([True]))
    choice = complete(view(), start, 4)
    assert choice.rows.tolist() == [4, 2, 1, 0]
    np.testing.assert_allclose(choice.utilities, [3.0, 0.9, 0.9, 0.5], atol=1e-6)
    assert choice.reasons[:2] == ["first", "after the 1 chosen as a batch, by entropy: 0.90 nats"]
    assert choice.keep_prediction is not None
    assert choice.keep_prediction.tolist() == [True, False, False, False]


def test_a_full_choice_stays_as_it_is() -> None:
    start = Choice(np.array([4, 3]), np.zeros(2), ["x", "y"])
    assert complete(view(), start, 2) is start
    assert complete(view(), NOTHING, 9).rows.tolist() == [2, 1, 4, 0, 3]
