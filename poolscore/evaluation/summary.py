"""A study in a few numbers, with every cell behind them: a document for JSON."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from poolscore.evaluation.aggregate import (
    Comparison,
    auroc_of,
    cell_order,
    cells_of,
    compare_cells,
    complete,
    ranked,
)
from poolscore.evaluation.budgets import margins_over_label_free
from poolscore.evaluation.difference import ArmDifference, arm_difference
from poolscore.evaluation.records import Cell, Study, Table
from poolscore.evaluation.spread import Spread, spread

FIRST_AUROC_ROUND = 2
"""Before it there are hardly any answers to learn from which predictions are right."""


def summarize(
    study: Study,
    *,
    default: str,
    joint_default: str,
    joint_control: str,
    candidate_arm: str = "naive + alignment",
    candidate_control: str = "naive",
) -> dict[str, Any]:
    """Return the headline numbers, the settings and all cells of a study.

    Every number is {"mean", "std", "n"} over matched cells, `mean` null where nothing is there to
    compare. Differences are percentage points of the accuracy averaged over budgets, with the
    paired test's "p_value" and 95 % interval "low", "high", and "ahead_in" of "comparisons" (data
    set, protocol and noise). `default` is an arm of Table.SELECTION, the joint ones of Table.JOINT,
    the candidate ones of Table.CANDIDATES.
    """
    selection = complete(compare_cells(study, Table.SELECTION))
    joint = complete(compare_cells(study, Table.JOINT))
    candidates = complete(compare_cells(study, Table.CANDIDATES))
    document = {
        "default_minus_best_other_selection": _best_other(selection, default),
        "default_joint_minus_random_mining": _gain(joint, joint_default, joint_control),
        "joint_default_over_label_free": _over_label_free(study, joint_default),
        "auroc_default": _auroc(study, default, "correctness"),
        "auroc_p_clean": _auroc(study, default, "p_clean"),
        "auroc_max_prob": _auroc(study, default, "max_prob"),
        "auroc_entropy": _auroc(study, default, "entropy"),
        "candidate_gain": _candidate_gain(candidates, candidate_arm, candidate_control),
        "settings": dict(sorted(study.settings.items())),
        "cells": [cell.model_dump(mode="json") for cell in sorted(study.cells, key=cell_order)],
    }
    return _without_nan(document)


def _over_label_free(study: Study, arm: str) -> dict[str, Any]:
    """Budgets from 2 % of the pool on; "smallest" is the margin of the worst one."""
    found = margins_over_label_free(study, arm)
    worst = min(found, key=lambda margin: margin.points, default=None)
    return {
        **asdict(spread([margin.points for margin in found])),
        "ahead_in": sum(margin.points > 0 for margin in found),
        "smallest": None if worst is None else asdict(worst),
    }


def _highest_other(comparisons: Sequence[Comparison], default: str) -> str | None:
    """The arm with the highest mean over complete comparisons that is not the default."""
    return next((arm for arm, _ in ranked(comparisons) if arm != default), None)


def _best_other(comparisons: Sequence[Comparison], default: str) -> dict[str, Any]:
    """Against one arm; and, harder and chosen with hindsight, against the best of each place."""
    each = {
        comparison.name: _highest_other([comparison], default) or "" for comparison in comparisons
    }
    other = _highest_other(comparisons, default)
    against_each = arm_difference(comparisons, default, lambda place: each[place.name])
    return {
        **_difference(arm_difference(comparisons, default, lambda _: other or "")),
        "arm": default,
        "best_other": other,
        "best_other_of_each": {**_difference(against_each), "arms": each},
    }


def _gain(comparisons: Sequence[Comparison], arm: str, control: str) -> dict[str, Any]:
    gain = arm_difference(comparisons, arm, lambda _: control)
    return {**_difference(gain), "arm": arm, "other": control}


def _candidate_gain(comparisons: Sequence[Comparison], arm: str, control: str) -> dict[str, Any]:
    noises = sorted({comparison.noise for comparison in comparisons})
    by_noise = {
        f"{noise:g}": _gain([place for place in comparisons if place.noise == noise], arm, control)
        for noise in noises
    }
    return {**_gain(comparisons, arm, control), "by_noise": by_noise}


def _difference(found: ArmDifference) -> dict[str, Any]:
    return {
        **asdict(found.test.difference),
        "p_value": found.test.p_value,
        "low": found.test.low,
        "high": found.test.high,
        "ahead_in": found.ahead,
        "comparisons": found.comparisons,
    }


def _auroc(study: Study, arm: str, signal: str) -> dict[str, Any]:
    return asdict(late_auroc(cells_of(study, Table.SELECTION, arm), signal))


def late_auroc(cells: Iterable[Cell], signal: str) -> Spread:
    """Spread over cells of the mean AUROC from FIRST_AUROC_ROUND on, of rounds that have one."""
    measure = auroc_of(signal)
    late = [
        [measure(entry) for entry in cell.rounds if entry.number >= FIRST_AUROC_ROUND]
        for cell in cells
    ]
    return spread(spread(values).mean for values in late)


def _without_nan(value: Any) -> Any:
    """JSON has no nan: null stands for a number that does not exist."""
    if isinstance(value, dict):
        return {key: _without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_nan(inner) for inner in value]
    return None if isinstance(value, float) and math.isnan(value) else value
