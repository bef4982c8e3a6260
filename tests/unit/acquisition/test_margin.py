import numpy as np

from poolscore.acquisition.base import PoolView
from poolscore.acquisition.margin import Margin
from poolscore.scoring.types import Scores


def test_smallest_margin_first() -> None:
    zeros = np.zeros(3, np.float32)
    margin = np.array([0.3, 0.02, 0.1], np.float32)
    scores = Scores(np.array([0, 1, 1], np.int32), zeros, margin, zeros, zeros)
    view = PoolView(np.array(["a", "b", "c"]), scores, ["cat", "dog"])
    choice = Margin().query(view, 2, np.random.default_rng(0))
    assert choice.rows.tolist() == [1, 2]
    assert choice.reasons[0] == "'dog' leads the next class by only 0.020"
    np.testing.assert_allclose(choice.utilities, [0.98, 0.9], atol=1e-6)
