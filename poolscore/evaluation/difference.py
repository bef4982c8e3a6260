"""One arm against another on matched cells: same data set, protocol, noise and seed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from poolscore.evaluation.aggregate import Comparison, budget_average
from poolscore.evaluation.significance import PairedTest, paired_test


@dataclass(frozen=True)
class ArmDifference:
    """Accuracy averaged over budgets, one arm minus another, in percentage points."""

    test: PairedTest
    """Over the pairs of all comparisons."""
    ahead: int
    """Comparisons whose mean difference is above 0: what p cannot say of several data sets."""
    comparisons: int
    """Comparisons that have a pair."""


def arm_difference(
    comparisons: Sequence[Comparison], arm: str, other: Callable[[Comparison], str]
) -> ArmDifference:
    """Compare `arm` with the arm that `other` names for a comparison, seed by seed."""
    found = [_differences(comparison, arm, other(comparison)) for comparison in comparisons]
    groups = [differences for differences in found if differences]
    return ArmDifference(
        test=paired_test([value for differences in groups for value in differences]),
        ahead=sum(fmean(differences) > 0 for differences in groups),
        comparisons=len(groups),
    )


def _differences(comparison: Comparison, arm: str, other: str) -> list[float]:
    """In percentage points, one a seed; none when an arm is not there."""
    ours, theirs = comparison.arm(arm).cells, comparison.arm(other).cells
    if not ours or not theirs:
        return []
    return [
        100.0 * (budget_average(one) - budget_average(two))
        for one, two in zip(ours, theirs, strict=True)
    ]
