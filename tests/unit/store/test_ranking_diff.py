import math

import numpy as np
import pyarrow as pa
import pytest

from poolscore.scoring.types import Scores
from poolscore.store.ranking_diff import RankingDiff, ranking_diff, spearman
from poolscore.store.ranking_file import RankedRows, ranking_table

CLASSES = ("cat", "dog", "owl")
BOTH = CLASSES, CLASSES


def rows(order: str, classes: dict[str, int] | None = None) -> RankedRows:
    """A ranking of the items that are letters; all of class 0 but for `classes`."""
    numbers = np.zeros(len(order), np.float32)
    predicted = np.array([(classes or {}).get(each, 0) for each in order], np.int32)
    scores = Scores(predicted, *[numbers] * 4)
    ids = pa.array(list(order), pa.string())
    utilities = np.arange(len(order), 0, -1, dtype=np.float64)
    return RankedRows(ranking_table(ids, ids, utilities, ["why"] * len(order), scores))


def changed(diff: RankingDiff) -> list[tuple[str, int, int]]:
    return [(before.item_id, before.rank, after.rank) for before, after in diff.changes]


def test_class_changes_come_first_and_then_the_largest_moves() -> None:
    diff = ranking_diff(rows("abcdef"), rows("facbde", {"c": 1}), 10, BOTH)
    assert changed(diff) == [
        ("c", 2, 2),
        ("f", 5, 0),
        ("b", 1, 3),
        ("a", 0, 1),
        ("d", 3, 4),
        ("e", 4, 5),
    ]
    assert [each.prediction.predicted for each in diff.changes[0]] == [0, 1]
    assert (diff.common, diff.only_before, diff.only_after, diff.class_changes) == (6, 0, 0, 1)
    assert (
        changed(ranking_diff(rows("abcdef"), rows("facbde", {"c": 1}), 2, BOTH))
        == changed(diff)[:2]
    )


def test_classes_are_compared_by_their_names() -> None:
    before, after = rows("abcd", {"b": 1, "c": 2, "d": 2}), rows("abcd", {"b": 1, "c": 1, "d": 2})
    diff = ranking_diff(before, after, 10, (CLASSES, ("cat", "owl", "newt")))
    assert changed(diff) == [("b", 1, 1), ("d", 3, 3)]
    assert diff.class_changes == 2


def test_items_of_one_ranking_are_counted_and_move_nobody() -> None:
    diff = ranking_diff(rows("abcde"), rows("bcdex"), 10, BOTH)
    assert (diff.common, diff.only_before, diff.only_after) == (4, 1, 1)
    assert (changed(diff), diff.rank_correlation) == ([], 1.0)


def test_rankings_without_a_common_item() -> None:
    diff = ranking_diff(rows("ab"), rows("cd"), 10, BOTH)
    assert (diff.common, changed(diff)) == (0, [])
    assert math.isnan(diff.rank_correlation)


def test_the_correlation_is_that_of_numpy() -> None:
    order = np.random.default_rng(0).permutation(100)
    assert spearman(order) == pytest.approx(np.corrcoef(order, np.arange(100))[0, 1])
    assert spearman(np.arange(9)[::-1]) == -1.0
