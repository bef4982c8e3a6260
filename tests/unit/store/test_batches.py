from datetime import UTC, datetime, timedelta

import pytest

from poolscore.errors import FailedPreconditionError, InvalidInputError, NotFoundError
from poolscore.labels.answer import Label, LabelInput
from poolscore.store.batches import extend_batch, get_batch, release_batch
from poolscore.store.catalog import Catalog
from poolscore.store.leases import lease_batch
from poolscore.store.ranking_file import LoadedRanking
from poolscore.store.record_labels import record_labels
from poolscore.store.records import BatchState
from tests.store_world import POOL, item

HOUR = timedelta(hours=1)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def batch(catalog: Catalog, ranking: LoadedRanking) -> None:
    lease_batch(catalog, POOL, 3, "ann", HOUR, None, ranking, NOON)


def answer(catalog: Catalog, *rows: int) -> None:
    inputs = [LabelInput(item(row), Label("cat"), batch=1) for row in rows]
    assert all(result.accepted for result in record_labels(catalog, POOL, inputs, None))


def test_items_show_whether_they_are_answered(catalog: Catalog) -> None:
    answer(catalog, 1)
    batch = get_batch(catalog, POOL, 1, NOON)
    assert [leased.answered for leased in batch.items] == [False, True, False]
    assert batch.state is BatchState.OPEN


def test_a_batch_is_done_with_its_last_answer(catalog: Catalog) -> None:
    answer(catalog, 0, 1)
    answer(catalog, 2)
    assert get_batch(catalog, POOL, 1, NOON).state is BatchState.DONE
    assert get_batch(catalog, POOL, 1, NOON + HOUR).state is BatchState.DONE


def test_a_batch_expires_by_the_clock_and_late_answers_finish_it(catalog: Catalog) -> None:
    assert get_batch(catalog, POOL, 1, NOON + HOUR).state is BatchState.EXPIRED
    answer(catalog, 0, 1, 2)
    assert get_batch(catalog, POOL, 1, NOON + HOUR).state is BatchState.DONE


def test_an_extended_batch_keeps_its_items(catalog: Catalog, ranking: LoadedRanking) -> None:
    extended = extend_batch(catalog, POOL, 1, 2 * HOUR, NOON + HOUR / 2)
    assert extended.expire_time == NOON + 2.5 * HOUR
    later = lease_batch(catalog, POOL, 1, "bob", HOUR, None, ranking, NOON + 2 * HOUR)
    assert [leased.rank for leased in later.items] == [3]


def test_only_an_open_batch_is_extended(catalog: Catalog) -> None:
    with pytest.raises(FailedPreconditionError, match="EXPIRED") as caught:
        extend_batch(catalog, POOL, 1, HOUR, NOON + HOUR)
    assert caught.value.reason == "BATCH_NOT_OPEN"
    with pytest.raises(InvalidInputError):
        extend_batch(catalog, POOL, 1, timedelta(days=8), NOON)
    release_batch(catalog, POOL, 1, NOON)
    with pytest.raises(FailedPreconditionError, match="RELEASED"):
        extend_batch(catalog, POOL, 1, HOUR, NOON)


def test_release_gives_back_what_has_no_answer(catalog: Catalog, ranking: LoadedRanking) -> None:
    answer(catalog, 1)
    batch, released = release_batch(catalog, POOL, 1, NOON)
    assert (batch.state, released) == (BatchState.RELEASED, 2)
    assert release_batch(catalog, POOL, 1, NOON) == (batch, 0)
    following = lease_batch(catalog, POOL, 3, "bob", HOUR, None, ranking, NOON)
    assert [leased.rank for leased in following.items] == [0, 2, 3]


def test_an_expired_batch_does_not_release_what_others_hold(
    catalog: Catalog, ranking: LoadedRanking
) -> None:
    lease_batch(catalog, POOL, 3, "bob", HOUR, None, ranking, NOON + HOUR)
    batch, released = release_batch(catalog, POOL, 1, NOON + HOUR)
    assert (batch.state, released) == (BatchState.EXPIRED, 0)
    third = lease_batch(catalog, POOL, 1, "eve", HOUR, None, ranking, NOON + HOUR)
    assert [leased.rank for leased in third.items] == [3]


def test_a_missing_batch_is_named(catalog: Catalog) -> None:
    for call in (get_batch, release_batch):
        with pytest.raises(NotFoundError) as caught:
            call(catalog, POOL, 2)
        assert caught.value.reason == "BATCH_NOT_FOUND"
