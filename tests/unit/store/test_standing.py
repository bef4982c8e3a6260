from datetime import UTC, datetime, timedelta

import pytest

from poolscore.errors import InvalidInputError
from poolscore.labels.answer import Label, LabelInput
from poolscore.store.catalog import Catalog
from poolscore.store.change_pool import PoolChange, update_pool
from poolscore.store.leases import lease_batch
from poolscore.store.ranking_file import LoadedRanking
from poolscore.store.record_labels import record_labels
from poolscore.store.standing import ItemState, item_standing
from tests.store_world import POOL, item

HOUR = timedelta(hours=1)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_an_open_item_beats_the_cut_or_not(catalog: Catalog, ranking: LoadedRanking) -> None:
    lease_batch(catalog, POOL, 2, "ann", HOUR, None, ranking, NOON)
    inside = item_standing(catalog, ranking, item(3), 3, NOON)
    assert (inside.state, inside.rank, inside.next_ranks) == (ItemState.OPEN, 3, (2, 3, 4))
    assert inside.beats_the_cut
    assert inside.why == "number 2 of the 3 items that a lease would take"
    outside = item_standing(catalog, ranking, item(9), 3, NOON)
    assert not outside.beats_the_cut
    assert "the last of them has rank 4, this one 9" in outside.why


def test_leased_answered_and_unranked_items(catalog: Catalog, ranking: LoadedRanking) -> None:
    lease_batch(catalog, POOL, 2, "ann", HOUR, None, ranking, NOON)
    record_labels(catalog, POOL, [LabelInput(item(0), Label("cat"), batch=1)], None, now=NOON)
    answered, leased, unknown = (
        item_standing(catalog, ranking, name, 5, NOON) for name in (item(0), item(1), "x")
    )
    assert (answered.state, answered.label_event, answered.batch) == (ItemState.ANSWERED, 1, None)
    assert (leased.state, leased.batch, leased.why) == (ItemState.LEASED, 1, "it is leased already")
    assert (unknown.state, unknown.rank) == (ItemState.OPEN, None)
    assert unknown.why == "it has no place in this ranking"
    later = item_standing(catalog, ranking, item(1), 5, NOON + HOUR)
    assert (later.state, later.next_ranks) == (ItemState.OPEN, (1, 2, 3, 4, 5))
    assert later.beats_the_cut


def test_the_budget_moves_the_cut(catalog: Catalog, ranking: LoadedRanking) -> None:
    lease_batch(catalog, POOL, 2, "ann", HOUR, None, ranking, NOON)
    assert item_standing(catalog, ranking, item(3), 3, NOON).budget_left is None
    update_pool(catalog, POOL, PoolChange(budget=3))
    inside, outside = (item_standing(catalog, ranking, item(row), 3, NOON) for row in (2, 3))
    assert (inside.budget_left, inside.allowed, inside.next_ranks) == (1, 1, (2,))
    assert inside.beats_the_cut
    assert not outside.beats_the_cut
    assert outside.why == (
        "the 1 items of a lease all stand before it: the last of them has rank 2, this one 3; of 3 "
        "asked for, the budget leaves 1"
    )
    update_pool(catalog, POOL, PoolChange(budget=1))
    none = item_standing(catalog, ranking, item(3), 3, NOON)
    assert (none.budget_left, none.next_ranks) == (0, ())
    assert none.why == "a lease would take nothing: the budget is spent or reserved by leases"


def test_a_bad_size(catalog: Catalog, ranking: LoadedRanking) -> None:
    with pytest.raises(InvalidInputError) as caught:
        item_standing(catalog, ranking, item(0), 1001)
    assert caught.value.reason == "INVALID_SIZE"
