import math

import pytest

from poolscore.evaluation.spread import Spread, spread


def test_by_hand() -> None:
    found = spread([1.0, 2.0, math.nan, 6.0])
    # Deviations -2, -1, 3: 14 / 2.
    assert (found.mean, found.n) == (3.0, 3)
    assert found.std == pytest.approx(math.sqrt(7.0))


def test_one_number_has_no_spread_and_none_no_mean() -> None:
    assert spread([0.25]) == Spread(0.25, 0.0, 1)
    empty = spread([math.nan])
    assert math.isnan(empty.mean)
    assert (empty.std, empty.n) == (0.0, 0)
