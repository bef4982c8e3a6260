import pytest

from poolscore.evaluation.aggregate import compare_cells, complete, unlabelled
from poolscore.evaluation.records import Table
from poolscore.evaluation.tables import (
    auroc_table,
    noise_table,
    overall_table,
    round_table,
    unlabelled_table,
)
from tests.unit.evaluation.studies import cell, key, signals, study


def _rows(text: str) -> list[list[str]]:
    """Header and rows, without the line between them."""
    lines = [[value.strip() for value in line[1:-1].split("|")] for line in text.splitlines()]
    return [lines[0], *lines[2:]]


def test_one_comparison() -> None:
    cells = [
        cell(key("ours", 0), [0.25, 0.5, 0.75]), cell(key("ours", 1), [0.25, 0.6, 0.75]),
        cell(key("other", 0), [0.25, 0.4, 0.5]), cell(key("other", 1), [0.25, 0.4, 0.75]),
    ]  # fmt: skip
    (place,) = compare_cells(study(*cells), Table.SELECTION)
    # Averages: ours 62.5, 67.5; other 45, 57.5; differences -17.5, -10.
    assert _rows(round_table(place, "ours")) == [
        [
            "arm", "zero-shot", "round 1", "round 2", "average", "macro F1", "ECE", "answers",
            "minus ours", "p",
        ],
        [
            "**ours**", "25.0 ± 0.0", "55.0 ± 7.1", "75.0 ± 0.0", "65.0 ± 3.5",
            "37.5 ± 0.0", "0.125 ± 0.000", "20", "–", "–",  # noqa: RUF001
        ],
        [
            "other", "25.0 ± 0.0", "40.0 ± 0.0", "62.5 ± 17.7", "51.2 ± 8.8",
            "31.2 ± 8.8", "0.125 ± 0.000", "20", "−13.75", "0.500",  # noqa: RUF001
        ],
    ]  # fmt: skip


def test_what_was_not_asked_but_used_is_shown() -> None:
    plain = cell(key("ours", table=Table.JOINT), [0.25, 0.5])
    last = plain.rounds[-1].model_copy(update={"kept": 3, "pseudo_labels": 40})
    mined = cell(key("mined", table=Table.JOINT), [0.25, 0.5]).model_copy(
        update={"rounds": (plain.rounds[0], last)}
    )
    (place,) = compare_cells(study(plain, mined), Table.JOINT)
    header, first, second = _rows(round_table(place, "ours"))
    assert header[6:9] == ["answers", "kept unasked", "mined"]
    assert (first[0], first[6:9]) == ("mined", ["10", "3", "40"])
    assert (second[0], second[6:9]) == ("**ours**", ["10", "0", "0"])


def test_overall_is_sorted_and_says_which_seeds_are_there() -> None:
    cells = [
        cell(key(arm, seed, data=data), [0.0, value])
        for data, arm, seed, value in [
            ("cats", "ours", 0, 0.5), ("cats", "other", 0, 0.625),
            ("cats", "ours", 1, 0.5), ("cats", "other", 1, 0.625),
            ("dogs", "ours", 0, 0.5), ("dogs", "other", 0, 0.25),
            ("dogs", "ours", 1, 0.5),
        ]
    ]  # fmt: skip
    places = complete(compare_cells(study(*cells), Table.SELECTION))
    assert _rows(overall_table(places, "ours")) == [
        ["arm", "average", "cats, percent", "dogs, percent (1 of 2 seeds)", "minus ours", "p",
         "ahead in"],
        ["**ours**", "50.0", "50.0 ± 0.0", "50.0", "–", "–", "–"],  # noqa: RUF001
        ["other", "43.8", "62.5 ± 0.0", "25.0", "+0.00", "1.000", "1 of 2"],
    ]  # fmt: skip


def test_candidates_by_noise() -> None:
    cells = [
        cell(key(arm, table=Table.CANDIDATES, noise=noise, data=data), [0.0, value])
        for noise, arm, data, value in [
            (0.1, "alignment", "cats", 0.75), (0.1, "naive", "cats", 0.5),
            (0.1, "alignment", "dogs", 0.5), (0.1, "naive", "dogs", 0.5),
            (0.3, "alignment", "cats", 0.25), (0.3, "naive", "cats", 0.5),
        ]
    ]  # fmt: skip
    places = complete(compare_cells(study(*cells), Table.CANDIDATES))
    assert _rows(noise_table(places, "alignment", "naive")) == [
        ["arm", "noise 0.1", "noise 0.3"],
        ["**alignment**", "62.5", "25.0"],
        ["naive", "50.0", "50.0"],
        ["alignment minus naive", "+12.50", "−25.00"],  # noqa: RUF001
        ["p", "1.000", "1.000"],
    ]


def test_methods_without_labels() -> None:
    cells = [
        cell(key("free", seed, table=Table.JOINT), [0.25, value], answers=0)
        for seed, value in enumerate([0.5, 0.75])
    ]
    assert _rows(unlabelled_table(unlabelled(study(*cells))))[1] == [
        "free, cats, percent", "62.5 ± 17.7", "31.2 ± 8.8", "0.125 ± 0.000", "2"
    ]  # fmt: skip


def test_auroc_by_round() -> None:
    rounds = [signals(0.1, 0.2, 0.3, value) for value in (0.4, 0.5, 0.75)]
    rows = _rows(auroc_table([cell(key(), [0.5] * 4, auroc=[None, *rounds])]))
    assert rows[0] == ["signal", "round 1", "round 2", "round 3", "rounds from 2 on"]
    assert rows[1] == ["evidence", "0.400", "0.500", "0.750", "0.625"]
    assert [row[0] for row in rows[2:]] == ["p_clean", "largest probability", "entropy"]
    assert [row[4] for row in rows[2:]] == ["0.100", "0.200", "0.300"]


@pytest.mark.parametrize("values", [(0.5, 0.25), (0.25, 0.5)])
def test_the_best_arm_comes_first(values: tuple[float, float]) -> None:
    cells = [cell(key(arm), [0.0, value]) for arm, value in zip("ab", values, strict=True)]
    rows = _rows(round_table(compare_cells(study(*cells), Table.SELECTION)[0], "none"))
    assert [row[0] for row in rows[1:]] == (["a", "b"] if values[0] > values[1] else ["b", "a"])
