import math

import pytest

from poolscore.errors import InvalidInputError
from poolscore.evaluation.aggregate import (
    auroc_of,
    budget_average,
    cells_of,
    compare_cells,
    complete,
    ranked,
    unlabelled,
)
from poolscore.evaluation.records import Protocol, Table
from tests.unit.evaluation.studies import cell, key, signals, study


def test_average_over_budgets_leaves_round_0_out() -> None:
    assert budget_average(cell(key(), [0.0, 0.5, 0.75, 1.0])) == 0.75
    assert math.isnan(budget_average(cell(key(), [0.5])))


def test_mean_and_std_over_seeds() -> None:
    (found,) = compare_cells(
        study(cell(key(seed=1), [0.25, 0.5, 1.0]), cell(key(seed=0), [0.25, 0.25, 0.5])),
        Table.SELECTION,
    )
    arm = found.arm("ours")
    first = arm.at(1, lambda entry: entry.accuracy)
    assert (first.mean, first.n) == (0.375, 2)
    assert first.std == pytest.approx(0.25 / math.sqrt(2))
    # Averages .375 and .75.
    assert arm.average.mean == 0.5625
    assert arm.average.std == pytest.approx(0.375 / math.sqrt(2))
    assert arm.final(lambda entry: entry.accuracy).mean == 0.75
    assert arm.final(lambda entry: entry.answers).mean == 20
    assert found.rounds == (0, 1, 2)


def test_only_seeds_that_every_arm_has_are_compared() -> None:
    cells = [cell(key("ours", seed), [0.5, seed / 10]) for seed in (0, 1, 2)]
    cells += [cell(key("other", seed), [0.5, 0.25]) for seed in (1, 2, 3)]
    (found,) = compare_cells(study(*cells), Table.SELECTION)
    assert (found.seeds, found.planned, found.remark) == ((1, 2), 4, "2 of 4 seeds")
    assert [cell.key.seed for cell in found.arm("ours").cells] == [1, 2]
    assert found.arm("ours").average.mean == pytest.approx(0.15)
    assert found.arm("none").average.n == 0


def test_nothing_in_common_is_no_comparison() -> None:
    (found,) = compare_cells(
        study(cell(key("ours", 0), [0.5, 0.5]), cell(key("other", 1), [0.5, 0.5])), Table.SELECTION
    )
    assert (found.seeds, found.remark) == ((), "0 of 2 seeds")
    assert complete([found]) == []


def test_tables_protocols_data_and_noise_stay_apart() -> None:
    found = compare_cells(
        study(
            cell(key(table=Table.CANDIDATES, noise=0.5), [0.5, 0.5]),
            cell(key(table=Table.CANDIDATES, noise=0.1), [0.5, 0.5]),
            cell(key(table=Table.CANDIDATES, protocol=Protocol.PER_CLASS), [0.5, 0.5]),
            cell(key(table=Table.CANDIDATES, data="ants"), [0.5, 0.5]),
            cell(key(), [0.5, 0.5]),
        ),
        Table.CANDIDATES,
    )
    assert [place.name for place in found] == [
        "ants, percent",
        "cats, percent, noise 0.1",
        "cats, percent, noise 0.5",
        "cats, per-class",
    ]


def test_an_arm_gains_nothing_by_what_it_was_not_tried_on() -> None:
    cells = [
        cell(key("ours", data="cats"), [0.5, 0.5]),
        cell(key("other", data="cats"), [0.5, 0.75]),
        cell(key("ours", data="dogs"), [0.5, 1.0]),
    ]
    found = compare_cells(study(*cells), Table.SELECTION)
    assert [place.data for place in complete(found)] == ["cats"]
    assert ranked(complete(found)) == [("other", 0.75), ("ours", 0.5)]


def test_every_comparison_counts_the_same() -> None:
    cells = [cell(key(data="cats", seed=seed), [0.5, 0.25]) for seed in range(3)]
    cells.append(cell(key(data="dogs"), [0.5, 0.75]))
    assert ranked(compare_cells(study(*cells), Table.SELECTION)) == [("ours", 0.5)]


def test_different_rounds_are_refused() -> None:
    cells = [cell(key("ours"), [0.5, 0.5]), cell(key("other"), [0.5, 0.5, 0.5])]
    with pytest.raises(InvalidInputError, match="different rounds") as raised:
        compare_cells(study(*cells), Table.SELECTION)
    assert raised.value.reason == "STUDY_INVALID"


def test_methods_without_labels_stand_apart() -> None:
    free = cell(key("free", table=Table.JOINT), [0.5, 0.75], answers=0)
    asking = [cell(key("ours", seed, table=Table.JOINT), [0.5, 0.5]) for seed in (0, 1)]
    (found,) = compare_cells(study(free, *asking), Table.JOINT)
    assert (found.seeds, [arm.arm for arm in found.arms]) == ((0, 1), ["ours"])
    (method,) = unlabelled(study(free, *asking))
    assert (method.arm, method.cells) == ("free", (free,))
    assert method.final(lambda entry: entry.accuracy).mean == 0.75


def test_cells_of_one_arm_whether_matched_or_not() -> None:
    cells = [cell(key("ours", seed), [0.5]) for seed in (1, 0)]
    others = [cell(key("other"), [0.5]), cell(key("ours", table=Table.JOINT), [0.5])]
    assert cells_of(study(*cells, *others), Table.SELECTION, "ours") == cells[::-1]


def test_auroc_of_a_round() -> None:
    with_it, without = cell(key(), [0.5, 0.5], auroc=[signals(0.1, 0.2, 0.3, 0.4), None]).rounds
    assert auroc_of("entropy")(with_it) == 0.3
    assert math.isnan(auroc_of("entropy")(without))
