"""Mean and standard deviation of a few numbers."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean, stdev


@dataclass(frozen=True)
class Spread:
    """Mean and sample standard deviation (ddof = 1) of `n` numbers, in their unit."""

    mean: float
    """nan for n = 0."""
    std: float
    """0 for n < 2, where nothing is known of it."""
    n: int


def spread(values: Iterable[float]) -> Spread:
    """Return the spread of the values that are numbers; nan is one that does not exist."""
    numbers = [value for value in values if not math.isnan(value)]
    return Spread(
        mean=fmean(numbers) if numbers else math.nan,
        std=stdev(numbers) if len(numbers) > 1 else 0.0,
        n=len(numbers),
    )
