"""What every registered strategy must keep."""

import time
from dataclasses import replace

import numpy as np
import pytest

from poolscore.acquisition.base import Choice, Need, PoolView
from poolscore.acquisition.id_order import take_rows
from poolscore.acquisition.registry import get_strategy, strategy_names
from poolscore.errors import InvalidInputError
from tests.unit.acquisition.views import synthetic

EVERY = pytest.mark.parametrize("name", strategy_names())
LABELS = pytest.mark.parametrize("labels", [0, 12])


def query(name: str, view: PoolView, size: int, seed: int = 7) -> Choice:
    return get_strategy(name).query(view, size, np.random.default_rng(seed))


@EVERY
@LABELS
@pytest.mark.parametrize(("count", "size"), [(200, 1), (200, 10), (200, 37), (200, 200), (30, 90)])
def test_right_count_and_unique(name: str, count: int, size: int, labels: int) -> None:
    choice = query(name, synthetic(count, 7, labels=labels), size)
    expected = min(count, size)
    assert len(choice.rows) == len(choice.utilities) == len(choice.reasons) == expected
    assert choice.rows.dtype == np.int64
    assert choice.utilities.dtype == np.float64
    assert len(np.unique(choice.rows)) == expected
    assert choice.rows.min() >= 0
    assert choice.rows.max() < count
    assert np.isfinite(choice.utilities).all()
    assert all(reason.strip() for reason in choice.reasons)
    if choice.keep_prediction is not None:
        assert choice.keep_prediction.shape == (expected,)
        assert choice.keep_prediction.dtype == np.bool_


@EVERY
def test_deterministic_by_seed(name: str) -> None:
    view = synthetic(300, 5)
    first, second = query(name, view, 50), query(name, view, 50)
    assert np.array_equal(first.rows, second.rows)
    assert list(first.reasons) == list(second.reasons)


@EVERY
@LABELS
@pytest.mark.parametrize("levels", [1, 3, 40, 0])
def test_the_order_of_the_pool_does_not_matter(name: str, levels: int, labels: int) -> None:
    view = synthetic(250, 6, levels=levels, labels=labels)
    shuffled = take_rows(view, np.random.default_rng(3).permutation(250))
    first, second = query(name, view, 60), query(name, shuffled, 60)
    assert shuffled.ids[second.rows].tolist() == view.ids[first.rows].tolist()
    assert second.utilities.tolist() == first.utilities.tolist()
    assert list(second.reasons) == list(first.reasons)


@EVERY
@LABELS
def test_empty_pool_and_empty_batch(name: str, labels: int) -> None:
    for count, size in ((0, 5), (9, 0)):
        choice = query(name, synthetic(count, 3, labels=labels), size)
        assert len(choice.rows) == len(choice.utilities) == len(choice.reasons) == 0


@EVERY
@LABELS
def test_one_class_only(name: str, labels: int) -> None:
    assert len(query(name, synthetic(20, 1, labels=labels), 8).rows) == 8


@EVERY
def test_one_image_only(name: str) -> None:
    assert query(name, synthetic(1, 3), 4).rows.tolist() == [0]


@EVERY
def test_the_view_is_left_as_it_was(name: str) -> None:
    view, untouched = synthetic(60, 4), synthetic(60, 4)
    query(name, view, 15)
    for field in ("ids", "probabilities_NC", "features_ND", "text_CD"):
        assert np.array_equal(getattr(view, field), getattr(untouched, field))
    assert np.array_equal(view.scores.entropy, untouched.scores.entropy)


@EVERY
def test_only_the_declared_needs_are_read(name: str) -> None:
    needs = get_strategy(name).needs
    assert query(name, synthetic(80, 4, needs=needs), 9).rows.tolist() == (
        query(name, synthetic(80, 4), 9).rows.tolist()
    )


@pytest.mark.parametrize("name", [each for each in strategy_names() if get_strategy(each).needs])
def test_a_missing_need_is_named(name: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        query(name, synthetic(9, 3, needs=frozenset()), 4)
    assert caught.value.reason == "VIEW_INCOMPLETE"
    assert name in caught.value.message
    assert caught.value.metadata["missing"].split(",") == sorted(get_strategy(name).needs)


ORDERS = [
    # dual_prompt is left out: its quota depends on the batch size.
    each
    for each in strategy_names()
    if each != "dual_prompt" and not get_strategy(each).batchwise
]


@pytest.mark.parametrize("name", [*ORDERS, "badge", "coreset", "pcoreset"])
def test_a_short_query_begins_a_long_one(name: str) -> None:
    view = synthetic(120, 4)
    assert query(name, view, 12).rows.tolist() == query(name, view, 90).rows[:12].tolist()


@EVERY
def test_a_large_pool_takes_no_python_loop(name: str) -> None:
    needs = get_strategy(name).needs
    linear = not needs & {Need.FEATURES, Need.NEIGHBOURS, Need.TEXT} and name != "pcoreset"
    count, size = (1_000_000, 10_000) if linear else (20_000, 50)
    view = synthetic(count, 10, needs=needs)
    started = time.process_time()
    assert len(query(name, view, size).rows) == size
    # A loop over the pool takes tens of seconds; the limit leaves room for a slow machine.
    assert time.process_time() - started < 6.0


def test_float16_and_float32_embeddings_are_both_fine() -> None:
    view = synthetic(90, 4)
    assert view.features_ND is not None
    wide = replace(view, features_ND=view.features_ND.astype(np.float32))
    for name in strategy_names():
        assert query(name, wide, 9).rows.tolist() == query(name, view, 9).rows.tolist()
