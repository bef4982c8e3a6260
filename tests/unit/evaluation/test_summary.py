import json
from typing import Any

import pytest

from poolscore.evaluation.records import Cell, Study, Table
from poolscore.evaluation.summary import summarize
from tests.unit.evaluation.studies import cell, key, signals, study


def _summary(found: Study) -> dict[str, Any]:
    return summarize(found, default="ours", joint_default="ours + mining", joint_control="mining")


def _selection() -> list[Cell]:
    """Averages in per cent: ours 60, 80; a 50, 60; b 20, 85: a is best by mean, 55 to 52.5."""
    values = {"cats": {"ours": 0.6, "a": 0.5, "b": 0.2}, "dogs": {"ours": 0.8, "a": 0.6, "b": 0.85}}
    return [
        cell(key(arm, data=data), [0.0, value])
        for data, arms in values.items()
        for arm, value in arms.items()
    ]


def test_best_other_is_one_arm_for_all() -> None:
    found = _summary(study(*_selection()))["default_minus_best_other_selection"]
    assert found["best_other"] == "a"
    assert (found["mean"], found["n"]) == (pytest.approx(15.0), 2)
    assert found["std"] == pytest.approx(10.0 / 2**0.5)
    assert (found["ahead_in"], found["comparisons"], found["p_value"]) == (2, 2, 0.5)


def test_best_other_of_each_is_chosen_place_by_place() -> None:
    found = _summary(study(*_selection()))["default_minus_best_other_selection"]
    each = found["best_other_of_each"]
    assert each["arms"] == {"cats, percent": "a", "dogs, percent": "b"}
    assert each["mean"] == pytest.approx((10.0 - 5.0) / 2)
    assert each["ahead_in"] == 1


def test_joint_methods_are_compared_among_themselves() -> None:
    cells = [
        cell(key("ours + mining", seed, table=Table.JOINT), [0.0, value])
        for seed, value in enumerate([0.5, 0.75])
    ]
    cells += [cell(key("mining", seed, table=Table.JOINT), [0.0, 0.25]) for seed in (0, 1)]
    found = _summary(study(*cells, *_selection()))["default_joint_minus_random_mining"]
    assert (found["mean"], found["n"], found["ahead_in"]) == (37.5, 2, 1)
    assert found["other"] == "mining"


def test_auroc_is_that_of_the_default_from_round_2_on() -> None:
    early, late = signals(0.0, 0.0, 0.0, 0.0), signals(0.25, 0.5, 0.75, 1.0)
    half = signals(float("nan"), 0.0, 0.25, 0.5)
    cells = [
        cell(key("ours", 0), [0.5] * 4, auroc=[early, early, late, half]),
        cell(key("ours", 1), [0.5] * 4, auroc=[None, early, late, late]),
        cell(key("other", 0), [0.5] * 4, auroc=[early] * 4),
        cell(key("ours", 0, table=Table.JOINT), [0.5] * 4, auroc=[early] * 4),
    ]
    found = _summary(study(*cells))
    assert found["auroc_default"] == {
        "mean": 0.875, "std": pytest.approx(0.25 / 2**0.5), "n": 2
    }  # fmt: skip
    assert found["auroc_p_clean"] == {"mean": 0.25, "std": 0.0, "n": 2}
    assert found["auroc_max_prob"]["mean"] == 0.375
    assert found["auroc_entropy"]["mean"] == 0.625


def test_candidate_gain_by_noise() -> None:
    cells = [
        cell(key(arm, table=Table.CANDIDATES, noise=noise), [0.0, value])
        for noise, arm, value in [
            (0.1, "naive + alignment", 0.75), (0.1, "naive", 0.5),
            (0.3, "naive + alignment", 0.5), (0.3, "naive", 0.625),
        ]
    ]  # fmt: skip
    found = _summary(study(*cells))["candidate_gain"]
    assert (found["mean"], found["n"], found["ahead_in"]) == (6.25, 2, 1)
    assert {noise: gain["mean"] for noise, gain in found["by_noise"].items()} == {
        "0.1": 25.0, "0.3": -12.5
    }  # fmt: skip


def test_a_study_without_cells_has_no_numbers_but_is_json() -> None:
    found = _summary(study())
    for name in ("default_minus_best_other_selection", "candidate_gain", "auroc_default"):
        assert (found[name]["mean"], found[name]["n"]) == (None, 0)
    json.dumps(found, allow_nan=False)


def test_all_cells_are_in_it_whatever_their_order() -> None:
    cells = _selection()
    found = _summary(study(*cells))
    assert found == _summary(study(*reversed(cells)))
    assert sorted((c["key"]["data"], c["key"]["arm"]) for c in found["cells"]) == sorted(
        (c.key.data, c.key.arm) for c in cells
    )
    assert found["cells"][0]["rounds"][1]["macro_f1"] == 0.25


def test_the_default_alone_is_compared_with_nothing() -> None:
    found = _summary(study(cell(key("ours"), [0.5, 0.5])))["default_minus_best_other_selection"]
    assert (found["n"], found["best_other"]) == (0, None)
