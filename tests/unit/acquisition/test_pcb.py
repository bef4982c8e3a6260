from dataclasses import replace

import numpy as np
import pytest

from poolscore.acquisition.base import Choice, Need, PoolView
from poolscore.acquisition.entropy import Entropy
from poolscore.acquisition.pcb import Pcb, balance
from poolscore.acquisition.registry import get_strategy
from tests.unit.acquisition.views import labeled_of, scores_of, synthetic


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def view_of(predicted: list[int], targets: list[int], classes: int) -> PoolView:
    """Entropy falls with the row number."""
    p = np.full((len(predicted), classes), 1.0 / classes)
    p += (
        0.4
        * np.linspace(0.1, 1.0, len(predicted))[:, None]
        * (np.eye(classes)[predicted] - 1.0 / classes)
    )
    return replace(
        synthetic(len(predicted), classes, needs=frozenset()),
        ids=np.array([f"i{row:03d}" for row in range(len(predicted))]),
        scores=scores_of(p),
        labeled=labeled_of(np.zeros((len(targets), 2)), targets),
    )


def test_the_rarest_class_is_filled_up_first() -> None:
    predicted = np.array([0, 1, 2, 0, 1, 2, 0, 1, 2], np.int32)
    for seed in range(10):
        places, wanted = balance(predicted, np.array([5, 0, 2]), 4, rng(seed))
        # 1 has none, then one, then two like class 2; the lower index goes first.
        assert wanted == [1, 1, 1, 2]
        assert predicted[places].tolist() == wanted


def test_after_a_class_without_candidates_all_is_random() -> None:
    predicted = np.array([0, 0, 1, 1, 0, 1], np.int32)
    drawn = np.zeros(6)
    for seed in range(600):
        places, wanted = balance(predicted, np.array([0, 1, 1, 4]), 4, rng(seed))
        # Class 0 (0 labels, then 1 like class 1 and 2), class 0 again by index, class 1, and then
        # class 2 has no candidate: what is left of the batch is a draw.
        assert wanted == [0, 0, 1]
        assert len(set(places.tolist())) == 4
        drawn[places[3]] += 1
    # The counts stay as they were, so the fourth comes from the three that are left: one of class
    # 0 and two of class 1, alike.
    assert drawn[[0, 1, 4]].sum() / 600 == pytest.approx(1 / 3, abs=0.07)
    assert drawn[[2, 3, 5]].sum() / 600 == pytest.approx(2 / 3, abs=0.07)


def test_members_of_a_class_are_drawn_alike() -> None:
    predicted = np.array([0, 1, 0, 1, 0], np.int32)
    hits = np.zeros(5)
    for seed in range(900):
        hits[balance(predicted, np.array([0, 3]), 1, rng(seed))[0]] += 1
    assert hits[[1, 3]].sum() == 0
    assert hits[[0, 2, 4]].min() > 240


def test_candidates_are_a_tenth_of_pool_and_labels() -> None:
    view = view_of([0, 1] * 45, [0] * 10, 2)
    seen: set[int] = set()
    for seed in range(60):
        seen |= set(get_strategy("pcb_entropy").query(view, 4, rng(seed)).rows.tolist())
    # gamma (N + L) = 10; the even rows are class 0, which has all labels, so only odd ones come.
    assert seen == {1, 3, 5, 7, 9}


def test_there_are_never_fewer_candidates_than_queries() -> None:
    view = view_of([0, 1, 1, 0], [], 2)
    assert sorted(get_strategy("pcb_entropy").query(view, 3, rng()).rows.tolist()) == [0, 1, 2]


def test_reasons_say_class_and_base() -> None:
    view = view_of([0, 0, 0, 0], [0, 1, 1], 3)
    choice = Pcb("pcb_entropy", Entropy()).query(view, 2, rng())
    assert all(
        reason.startswith("drawn at random, as nothing is predicted to be of the rarest class: one")
        for reason in choice.reasons
    )
    view = view_of([2, 2, 2, 2], [0, 1, 1], 3)
    reason = Pcb("pcb_entropy", Entropy()).query(view, 1, rng()).reasons[0]
    assert reason.startswith("predicted 'class 2', the class with the fewest labels, one of the 1")
    assert "best by entropy (entropy 1." in reason


def test_utilities_are_those_of_the_base() -> None:
    view = view_of([0, 1] * 20, [0], 2)
    choice = get_strategy("pcb_entropy").query(view, 4, rng())
    np.testing.assert_allclose(choice.utilities, view.scores.entropy[choice.rows])


@pytest.mark.parametrize(
    ("name", "needs"),
    [
        ("pcb_entropy", {Need.LABELED}),
        ("pcb_badge", {Need.LABELED, Need.PROBABILITIES, Need.FEATURES}),
        ("pcb_coreset", {Need.LABELED, Need.FEATURES}),
    ],
)
def test_needs_are_those_of_the_base_and_the_labels(name: str, needs: set[Need]) -> None:
    assert get_strategy(name).needs == needs


def test_candidates_are_exactly_the_top_of_the_base() -> None:
    view = synthetic(200, 4)
    for name in ("badge", "coreset"):
        base = get_strategy(name).query(view, 21, rng(3))
        choice: Choice = get_strategy(f"pcb_{name}").query(view, 6, rng(3))
        assert set(choice.rows.tolist()) <= set(base.rows.tolist())
