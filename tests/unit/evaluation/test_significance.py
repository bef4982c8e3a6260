import math
from itertools import product

import numpy as np
import pytest
from scipy.stats import permutation_test

from poolscore.evaluation.significance import paired_test
from poolscore.evaluation.spread import spread


def test_every_pattern_by_hand() -> None:
    # Sums of the 8 patterns of 1, 2, 3: 6, 4, 2, 0, 0, -2, -4, -6.
    assert paired_test([1.0, 2.0, 3.0]).p_value == 2 / 8
    assert paired_test([1.0, -2.0, -3.0]).p_value == 4 / 8
    assert paired_test([0.0, 0.0]).p_value == 1.0
    assert paired_test([0.5]).p_value == 1.0


def test_equals_enumeration_where_sums_tie_up_to_rounding() -> None:
    tenths = [1, -2, 3, 3, -4, 7, 2]
    sums = [abs(sum(s * d for s, d in zip(p, tenths, strict=True)))
            for p in product((1, -1), repeat=7)]  # fmt: skip
    expected = sum(total >= abs(sum(tenths)) for total in sums) / 2**7
    assert paired_test([0.1 * value for value in tenths]).p_value == expected


@pytest.mark.parametrize("pairs", [5, 12, 16])
def test_equals_scipy_where_it_is_exact(pairs: int) -> None:
    values = np.random.default_rng(pairs).normal(0.4, 1.0, pairs)
    expected = permutation_test(
        (values,), np.mean, permutation_type="samples", n_resamples=2**pairs, vectorized=False
    )
    assert paired_test(values.tolist()).p_value == pytest.approx(expected.pvalue, abs=1e-12)


def test_drawn_patterns_come_close_to_the_normal_limit() -> None:
    # Sixty pairs of size 1, 38 of them ahead: P(|B - 30| >= 8) for B of 60 fair coins.
    coins = [math.comb(60, k) for k in range(61)]
    expected = sum(ways for k, ways in enumerate(coins) if abs(k - 30) >= 8) / 2**60
    values = [1.0] * 38 + [-1.0] * 22
    found = paired_test(values)
    # Four standard deviations of a share of 100,000.
    assert abs(found.p_value - expected) < 4 * math.sqrt(expected / 100_000)
    assert paired_test(values) == found
    assert paired_test(values, seed=1).p_value != found.p_value


def test_drawn_p_is_never_0() -> None:
    assert paired_test([1.0] * 60).p_value == 1 / 100_001


def test_the_interval_covers_the_mean_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(100):
        found = paired_test(rng.normal(0.5, 1.0, 30).tolist())
        covered += found.low <= 0.5 <= found.high
    # 95 % less what the percentile bootstrap lacks at 30, within 3 standard deviations.
    assert 86 <= covered <= 99


def test_few_pairs() -> None:
    one, none = paired_test([0.5]), paired_test([])
    assert one.difference == spread([0.5])
    assert math.isnan(one.low)
    assert math.isnan(none.p_value)
    assert none.difference.n == 0
    with pytest.raises(ValueError, match="nan"):
        paired_test([math.nan])
