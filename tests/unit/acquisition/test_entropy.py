import numpy as np

from poolscore.acquisition.base import PoolView
from poolscore.acquisition.entropy import Entropy
from poolscore.scoring.types import Scores


def test_highest_entropy_first() -> None:
    zeros = np.zeros(3, np.float32)
    scores = Scores(
        np.array([0, 1, 1], np.int32),
        np.array([0.9, 0.4, 0.5], np.float32),
        zeros,
        np.array([0.3, 1.1, 0.9], np.float32),
        zeros,
    )
    view = PoolView(np.array(["a", "b", "c"]), scores, ["cat", "dog"])
    choice = Entropy().query(view, 2, np.random.default_rng(0))
    assert choice.rows.tolist() == [1, 2]
    assert choice.reasons[0] == "entropy 1.10 nats: the likeliest class is 'dog' with only 0.40"
