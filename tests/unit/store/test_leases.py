from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from poolscore.errors import AbortedError, FailedPreconditionError, InvalidInputError
from poolscore.labels.answer import Abstain, Label, LabelInput
from poolscore.store.batches import get_batch, release_batch
from poolscore.store.catalog import Catalog
from poolscore.store.change_pool import PoolChange, update_pool
from poolscore.store.leases import lease_batch, leased_before
from poolscore.store.prompt_versions import add_prompt_version
from poolscore.store.ranking_file import LoadedRanking
from poolscore.store.rankings import activate
from poolscore.store.record_labels import record_labels
from poolscore.store.records import Batch, BatchState, Prediction
from tests.store_world import POOL, add_pool, item, load, register_ranking, seed_ranking

HOUR = timedelta(hours=1)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def lease(
    catalog: Catalog,
    ranking: LoadedRanking,
    size: int,
    request_id: str | None = None,
    now: datetime = NOON,
) -> Batch:
    return lease_batch(catalog, POOL, size, "ann", HOUR, request_id, ranking, now)


def ranks(batch: Batch) -> list[int]:
    return [leased.rank for leased in batch.items]


def test_batches_go_down_the_ranking(catalog: Catalog, ranking: LoadedRanking) -> None:
    first, second = lease(catalog, ranking, 3), lease(catalog, ranking, 2)
    assert (ranks(first), ranks(second)) == ([0, 1, 2], [3, 4])
    assert (first.number, second.number, first.state) == (1, 2, BatchState.OPEN)
    assert (first.ranking, first.prompt_version) == (1, 0)
    assert (first.lease_time, first.expire_time) == (NOON, NOON + HOUR)


def test_an_item_carries_the_prediction_that_ranked_it(
    catalog: Catalog, ranking: LoadedRanking
) -> None:
    leased = lease(catalog, ranking, 6).items[5]
    assert (leased.item_id, leased.uri) == (item(5), f"/images/{item(5)}.jpg")
    assert (leased.rank, leased.utility, leased.reason) == (5, 15.0, "unsure")
    assert leased.prediction == Prediction(2, 0.25, 0.125, 0.0625, 0.75)
    assert get_batch(catalog, POOL, 1, NOON).items[5] == leased


def test_a_request_id_leases_once(catalog: Catalog, ranking: LoadedRanking) -> None:
    first = lease(catalog, ranking, 3, "r")
    assert lease(catalog, ranking, 3, "r") == first
    assert lease(Catalog(catalog.url), ranking, 3, "r") == first  # as after a restart
    assert ranks(lease(catalog, ranking, 1)) == [3]
    for size, annotator in ((4, "ann"), (3, "bob")):
        with pytest.raises(InvalidInputError) as caught:
            lease_batch(catalog, POOL, size, annotator, HOUR, "r", ranking, NOON)
        assert caught.value.reason == "REQUEST_ID_REUSED"


def test_a_retry_works_after_a_switch(
    catalog: Catalog, ranking: LoadedRanking, tmp_path: Path
) -> None:
    first = lease(catalog, ranking, 3, "r")
    second = register_ranking(catalog, tmp_path, 10)
    activate(catalog, POOL, 1, 0, second.number)
    assert lease(catalog, ranking, 3, "r") == first
    with pytest.raises(AbortedError) as caught:
        lease(catalog, ranking, 3)
    assert caught.value.reason == "RANKING_SWITCHED"
    # The new ranking holds the same items; those leased from the old one are still leased.
    assert ranks(lease(catalog, load(tmp_path, second), 3)) == [3, 4, 5]


def test_expired_items_return_and_open_ones_do_not(
    catalog: Catalog, ranking: LoadedRanking
) -> None:
    lease(catalog, ranking, 3)
    lease(catalog, ranking, 3, now=NOON + HOUR / 2)
    assert ranks(lease(catalog, ranking, 2, now=NOON + HOUR - timedelta(microseconds=1))) == [6, 7]
    assert ranks(lease(catalog, ranking, 4, now=NOON + HOUR)) == [0, 1, 2, 8]


def test_answered_items_never_return(catalog: Catalog, ranking: LoadedRanking) -> None:
    lease(catalog, ranking, 3)
    answers = [LabelInput(item(0), Label("cat"), batch=1), LabelInput(item(2), Abstain(), batch=1)]
    record_labels(catalog, POOL, answers, None, now=NOON)
    assert ranks(lease(catalog, ranking, 3, now=NOON + HOUR)) == [1, 3, 4]


def test_released_items_are_first_again(catalog: Catalog, ranking: LoadedRanking) -> None:
    lease(catalog, ranking, 3)
    lease(catalog, ranking, 3)
    release_batch(catalog, POOL, 1, NOON)
    assert ranks(lease(catalog, ranking, 4)) == [0, 1, 2, 6]


def test_another_process_frees_what_this_one_thought_taken(
    catalog: Catalog, ranking: LoadedRanking, tmp_path: Path
) -> None:
    other, same = Catalog(catalog.url), load(tmp_path, ranking.record)
    lease(catalog, ranking, 3)
    assert ranks(lease(other, same, 2)) == [3, 4]
    release_batch(other, POOL, 1, NOON)
    assert ranks(lease(catalog, ranking, 4)) == [0, 1, 2, 5]


def test_an_exhausted_ranking_gives_short_then_empty_batches(
    catalog: Catalog, ranking: LoadedRanking
) -> None:
    assert len(lease(catalog, ranking, 18).items) == 18
    assert ranks(lease(catalog, ranking, 5)) == [18, 19]
    empty = lease(catalog, ranking, 5, "again")
    assert (empty.items, empty.state) == ((), BatchState.DONE)
    assert lease(catalog, ranking, 5, "again") == empty
    assert ranks(lease(catalog, ranking, 5, now=NOON + HOUR)) == [0, 1, 2, 3, 4]


def test_a_long_taken_head_is_skipped(catalog: Catalog, tmp_path: Path) -> None:
    ranking = seed_ranking(catalog, tmp_path, 3000)
    for _ in range(2):
        lease(catalog, ranking, 1000)
    fresh = load(tmp_path, ranking.record)  # knows nothing of the position
    assert ranks(lease(catalog, fresh, 2)) == [2000, 2001]


@pytest.mark.parametrize("size", [0, -1, 1001])
def test_bad_sizes(catalog: Catalog, ranking: LoadedRanking, size: int) -> None:
    with pytest.raises(InvalidInputError) as caught:
        lease(catalog, ranking, size)
    assert caught.value.reason == "INVALID_SIZE"


def test_bad_annotators_and_durations(catalog: Catalog, ranking: LoadedRanking) -> None:
    with pytest.raises(InvalidInputError) as caught:
        lease_batch(catalog, POOL, 1, " ", HOUR, None, ranking)
    assert caught.value.reason == "MISSING_ANNOTATOR"
    for duration in (timedelta(0), timedelta(days=7, seconds=1)):
        with pytest.raises(InvalidInputError) as caught:
            lease_batch(catalog, POOL, 1, "ann", duration, None, ranking)
        assert caught.value.reason == "INVALID_LEASE_DURATION"


def test_a_pool_without_a_ranking_says_what_to_do(catalog: Catalog, ranking: LoadedRanking) -> None:
    add_pool(catalog, "empty")
    with pytest.raises(FailedPreconditionError, match="poolscore embed empty") as caught:
        lease_batch(catalog, "empty", 1, "ann", HOUR, None, ranking)
    assert caught.value.reason == "NO_RANKING"


def test_a_focus_takes_the_ranking_in_its_order_and_leaves_the_rest(
    catalog: Catalog, ranking: LoadedRanking
) -> None:
    def focused(size: int, *classes: str) -> list[int]:
        leased = lease_batch(catalog, POOL, size, "ann", HOUR, None, ranking, NOON, classes=classes)
        return ranks(leased)

    # Row i is predicted to be class i % 3: cat, dog, bird.
    assert focused(3, "dog") == [1, 4, 7]
    assert focused(3, "bird", "dog") == [2, 5, 8]
    assert ranks(lease(catalog, ranking, 4)) == [0, 3, 6, 9]
    assert focused(9, "dog") == [10, 13, 16, 19]
    assert focused(1, "dog") == []
    assert ranks(lease(catalog, ranking, 20)) == [11, 12, 14, 15, 17, 18]
    # What comes free is seen by all of them again.
    release_batch(catalog, POOL, 1, NOON)
    assert focused(2, "dog") == [1, 4]
    assert ranks(lease(catalog, ranking, 2)) == [7]


def test_a_focus_on_an_unknown_class(catalog: Catalog, ranking: LoadedRanking) -> None:
    with pytest.raises(InvalidInputError, match="'newt' is not a class") as caught:
        lease_batch(catalog, POOL, 1, "ann", HOUR, None, ranking, NOON, classes=["cat", "newt"])
    assert caught.value.reason == "UNKNOWN_CLASS"


def test_a_focus_names_classes_of_the_version_that_ranked(
    catalog: Catalog, ranking: LoadedRanking
) -> None:
    update_pool(catalog, POOL, PoolChange(classes=["cat", "bird", "newt"]))
    leased = lease_batch(catalog, POOL, 3, "ann", HOUR, None, ranking, NOON, classes=["bird"])
    assert ranks(leased) == [2, 5, 8]
    with pytest.raises(InvalidInputError, match="'newt' is not a class that this ranking"):
        lease_batch(catalog, POOL, 1, "ann", HOUR, None, ranking, NOON, classes=["newt"])


def test_a_strategy_leases_from_its_newest_ranking_and_never_what_another_has_leased(
    catalog: Catalog, ranking: LoadedRanking, tmp_path: Path
) -> None:
    aside = register_ranking(catalog, tmp_path, 12, strategy="margin", aside=True)

    def by_margin(size: int, rows: LoadedRanking, request_id: str | None = None) -> Batch:
        given = (size, "ann", HOUR, request_id, rows, NOON)
        return lease_batch(catalog, POOL, *given, strategy="margin")

    lease(catalog, ranking, 3)
    first = by_margin(2, load(tmp_path, aside), "m")
    assert (ranks(first), first.ranking) == ([3, 4], aside.number)
    assert ranks(lease(catalog, ranking, 2)) == [5, 6]
    with pytest.raises(AbortedError) as caught:
        by_margin(1, ranking)
    assert caught.value.reason == "RANKING_SWITCHED"
    # Another prompt version becomes active, which the strategy has not ranked with.
    add_prompt_version(catalog, POOL, "c" * 64, "p", 1, 1, 0, {})
    second = register_ranking(catalog, tmp_path, 20, prompt_version=1)
    activate(catalog, POOL, 1, 1, second.number)
    with pytest.raises(FailedPreconditionError, match="rescore run with strategy margin") as error:
        by_margin(1, load(tmp_path, aside))
    assert error.value.reason == "NO_RANKING"
    # A retry needs no ranking.
    assert by_margin(2, load(tmp_path, aside), "m") == first
    assert leased_before(catalog, POOL, 2, "ann", "m", strategy="margin") is not None
    assert leased_before(catalog, POOL, 2, "ann", "new") is None


def test_a_request_id_stands_for_its_strategy_and_focus(
    catalog: Catalog, ranking: LoadedRanking
) -> None:
    def focused(*classes: str, strategy: str = "") -> Batch:
        given = (2, "ann", HOUR, "r", ranking, NOON)
        return lease_batch(catalog, POOL, *given, strategy=strategy, classes=classes)

    first = focused("cat", "dog")
    assert focused("dog", "cat", "dog") == first
    for classes, strategy in ((("cat",), ""), ((), ""), (("cat", "dog"), "entropy")):
        with pytest.raises(InvalidInputError) as caught:
            focused(*classes, strategy=strategy)
        assert caught.value.reason == "REQUEST_ID_REUSED"
    with pytest.raises(InvalidInputError) as caught:
        leased_before(catalog, POOL, 2, "ann", "r")
    assert caught.value.reason == "REQUEST_ID_REUSED"
