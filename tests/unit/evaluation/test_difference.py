import pytest

from poolscore.evaluation.aggregate import compare_cells
from poolscore.evaluation.difference import arm_difference
from poolscore.evaluation.records import Table
from tests.unit.evaluation.studies import cell, key, study


def test_pairs_of_equal_data_and_seed() -> None:
    # Average over rounds 1 and 2, ours minus other: cats +10, +30; dogs -10 points.
    cells = [
        cell(key("ours", 0, data="cats"), [0.9, 0.5, 0.7]),
        cell(key("other", 0, data="cats"), [0.1, 0.4, 0.6]),
        cell(key("ours", 1, data="cats"), [0.9, 0.8, 0.8]),
        cell(key("other", 1, data="cats"), [0.1, 0.4, 0.6]),
        cell(key("ours", 0, data="dogs"), [0.9, 0.4, 0.4]),
        cell(key("other", 0, data="dogs"), [0.1, 0.5, 0.5]),
    ]
    places = compare_cells(study(*cells), Table.SELECTION)
    found = arm_difference(places, "ours", lambda _: "other")
    assert found.test.difference.mean == pytest.approx(10.0)
    assert found.test.difference.std == pytest.approx(20.0)
    assert found.test.difference.n == 3
    # |sum| >= 30 of (10, 30, -10): 30, 50, 10, 30 and their opposites.
    assert found.test.p_value == 6 / 8
    assert (found.ahead, found.comparisons) == (1, 2)


def test_the_other_arm_may_differ_by_place() -> None:
    cells = [
        cell(key(arm, data=data), [0.0, value])
        for data, arm, value in [
            ("cats", "ours", 0.5), ("cats", "a", 0.25), ("cats", "b", 0.0),
            ("dogs", "ours", 0.5), ("dogs", "a", 0.0), ("dogs", "b", 0.75),
        ]
    ]  # fmt: skip
    places = compare_cells(study(*cells), Table.SELECTION)
    found = arm_difference(places, "ours", lambda place: {"cats": "a", "dogs": "b"}[place.data])
    assert found.test.difference.mean == 0.0
    assert found.test.difference.std == pytest.approx(25.0 * 2**0.5)


def test_an_arm_that_is_not_there_has_no_pairs() -> None:
    places = compare_cells(study(cell(key("ours"), [0.5, 0.5])), Table.SELECTION)
    found = arm_difference(places, "ours", lambda _: "other")
    assert (found.test.difference.n, found.ahead, found.comparisons) == (0, 0, 0)
