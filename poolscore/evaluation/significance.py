"""Is a mean of paired differences more than chance? A sign-flip permutation test.

If two arms were alike, every difference could as well have had the other sign. The p-value is the
share of sign patterns whose mean is at least as far from 0 as the observed one (Fisher 1935).
Pairs count as independent; those of one data set are less so, which makes p too small over several
data sets.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from poolscore.evaluation.metrics import Floats
from poolscore.evaluation.spread import Spread, spread

_EXACT = 16
"""All 2^n sign patterns up to this many pairs, drawn ones beyond."""
_DRAWS = 100_000
_CHUNK = 10_000
_RESAMPLES = 10_000


@dataclass(frozen=True)
class PairedTest:
    """Differences of pairs; everything but `p_value` in their unit."""

    difference: Spread
    p_value: float
    """Two-sided; nan without pairs. n pairs cannot give less than 2 / 2^n."""
    low: float
    """Lower end of the mean's 95 % percentile bootstrap interval; nan for fewer than two pairs."""
    high: float


def paired_test(differences: Sequence[float], seed: int = 0) -> PairedTest:
    """Test whether the mean of the differences is 0; the seed is that of the drawn patterns.

    Raises ValueError when a difference is nan.
    """
    values_N = np.asarray(differences, np.float64)
    if np.isnan(values_N).any():
        raise ValueError("paired_test needs numbers: a difference is nan.")
    rng = np.random.default_rng(seed)
    low, high = _interval(values_N, rng)
    return PairedTest(spread(values_N.tolist()), _p_value(values_N, rng), low, high)


def _p_value(values_N: Floats, rng: np.random.Generator) -> float:
    pairs = len(values_N)
    if pairs == 0:
        return math.nan
    if pairs <= _EXACT:
        patterns = np.arange(2**pairs)[:, None] >> np.arange(pairs) & 1
        return _as_far(values_N, patterns) / 2**pairs
    drawn = sum(
        _as_far(values_N, rng.integers(0, 2, (_CHUNK, pairs), np.int8))
        for _ in range(_DRAWS // _CHUNK)
    )
    # The observed pattern is one of them (Phipson and Smyth 2010): p is never 0.
    return (1 + drawn) / (1 + _DRAWS)


def _as_far(values_N: Floats, flipped_PN: np.ndarray) -> int:
    """How many of P patterns move the sum as far from 0 as the observed signs do."""
    total = values_N.sum()
    rounding = 1e-12 * np.abs(values_N).sum()
    return int(np.sum(np.abs(total - 2.0 * (flipped_PN @ values_N)) >= abs(total) - rounding))


def _interval(values_N: Floats, rng: np.random.Generator) -> tuple[float, float]:
    if len(values_N) < 2:
        return math.nan, math.nan
    chosen = rng.integers(0, len(values_N), (_RESAMPLES, len(values_N)))
    low, high = np.quantile(values_N[chosen].mean(axis=1), (0.025, 0.975))
    return float(low), float(high)
