import pytest

from poolscore.evaluation.budgets import margins_over_label_free
from poolscore.evaluation.records import Cell, Table
from tests.unit.evaluation.studies import cell, key, study


def joint(arm: str, accuracy: list[float], seed: int = 0, answers: int = 10) -> Cell:
    made = cell(key(arm, seed, table=Table.JOINT), accuracy, answers=answers)
    return made.model_copy(update={"pool": 1000})


def test_the_best_method_without_labels_is_the_bar_at_every_budget() -> None:
    cells = [
        joint("ours", [0.2, 0.3, 0.6, 0.9], seed=0),
        joint("ours", [0.2, 0.3, 0.4, 0.7], seed=1),
        joint("zero-shot", [0.2] * 4, answers=0),
        joint("bafta", [0.55] * 4, answers=0),
        joint("random", [0.9] * 4),
    ]
    first, second = margins_over_label_free(study(*cells), "ours")
    # 10 answers are 1 % of the pool, which is too small a budget to count.
    assert (first.place, first.answers) == ("cats, percent", 20)
    assert first.points == pytest.approx(100 * (0.5 - 0.55))
    assert second.points == pytest.approx(100 * (0.8 - 0.55))


def test_without_such_methods_there_is_nothing_to_compare_with() -> None:
    assert margins_over_label_free(study(joint("ours", [0.1, 0.2, 0.3])), "ours") == []
