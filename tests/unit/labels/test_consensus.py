from collections.abc import Mapping
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poolscore.labels.consensus import consensus

CLASSES = 4
ITEMS = ("i", "j", "k")
V = TypeVar("V")
Cast = dict[str, dict[str, tuple[int, ...]]]


def casts() -> st.SearchStrategy[Cast]:
    classes = st.sets(st.integers(0, CLASSES - 1), min_size=1, max_size=CLASSES - 1)
    answers = st.dictionaries(st.sampled_from("abc"), classes.map(tuple), min_size=1)
    return st.dictionaries(st.sampled_from(ITEMS), answers)


def test_two_at_odds_by_hand() -> None:
    # Of three classes the two named have p each; with a = (4 + p) / 6, the prior's 4 of 5 and one
    # answer more, p = a / (2 a + (1 - a) / 2), so 3 p^2 + 16 p - 8 = 0.
    found = consensus({"i": {"ann": [0], "bob": [1]}}, 3)
    p = (88**0.5 - 8) / 3
    assert found.accuracy == pytest.approx({"ann": (4 + p) / 6, "bob": (4 + p) / 6}, abs=1e-8)
    assert found.allowed == {"i": (0, 1)}
    assert found.conflicts == 1


def test_a_majority_makes_a_label_and_lowers_the_one_who_differs() -> None:
    found = consensus({"i": {"ann": [2], "bob": [0], "eve": [2]}}, 3)
    assert found.allowed == {"i": (2,)}
    assert found.accuracy["bob"] < 0.8 < found.accuracy["ann"] == found.accuracy["eve"]


def test_a_label_inside_a_set_is_no_conflict() -> None:
    found = consensus({"i": {"ann": [0, 1], "bob": [1]}}, 10)
    assert found.allowed == {"i": (1,)}
    assert found.conflicts == 0


def test_two_classes_and_two_at_odds_decide_nothing() -> None:
    assert consensus({"i": {"ann": [0], "bob": [1]}}, 2).allowed == {"i": (0, 1)}


def test_classes_that_nobody_named_stay_out_however_often_annotators_differ() -> None:
    # Neither is believed any more, and the posterior prefers the 98 classes that nobody named.
    votes = {f"{n:03d}": {"ann": [0], "bob": [1]} for n in range(50)}
    found = consensus(votes, 100)
    assert set(found.allowed.values()) == {(0, 1)}
    assert found.accuracy["ann"] == pytest.approx(found.accuracy["bob"])
    assert found.accuracy["ann"] < 0.5


def test_who_agreed_elsewhere_wins() -> None:
    votes: dict[str, Mapping[str, list[int]]] = {
        f"{n:03d}": {"ann": [n % 5], "eve": [n % 5], "bob": [(n + 1) % 5]} for n in range(30)
    }
    assert consensus({**votes, "i": {"ann": [3], "bob": [4]}}, 5).allowed["i"] == (3,)


def test_no_votes() -> None:
    found = consensus({}, 3)
    assert (found.allowed, found.accuracy, found.conflicts) == ({}, {}, 0)


@given(casts())
def test_only_named_classes_and_what_all_say_stays(votes: Cast) -> None:
    found = consensus(votes, CLASSES)
    for item, cast in votes.items():
        answers = {frozenset(indices) for indices in cast.values()}
        assert found.allowed[item]
        assert set(found.allowed[item]) <= frozenset.union(*answers)
        if len(answers) == 1:
            assert set(found.allowed[item]) == answers.pop()
    assert all(0 < accuracy < 1 for accuracy in found.accuracy.values())
    at_odds = [i for i, cast in votes.items() if not set.intersection(*map(set, cast.values()))]
    assert found.conflicts == len(at_odds)


@given(casts(), st.permutations(range(CLASSES)))
def test_neither_order_nor_names_decide(votes: Cast, other: list[int]) -> None:
    renamed = {
        item: {a.upper(): [other[y] for y in reversed(indices)] for a, indices in turned(cast)}
        for item, cast in turned(votes)
    }
    found, again = consensus(votes, CLASSES), consensus(renamed, CLASSES)
    assert {i: sorted(other[y] for y in allowed) for i, allowed in found.allowed.items()} == {
        i: list(allowed) for i, allowed in again.allowed.items()
    }
    assert {a.upper(): p for a, p in found.accuracy.items()} == pytest.approx(again.accuracy)


def turned(mapping: dict[str, V]) -> list[tuple[str, V]]:
    return list(reversed(mapping.items()))
