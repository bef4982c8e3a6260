from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from poolscore.errors import FailedPreconditionError
from poolscore.labels.answer import Abstain, Answer, Candidates, Label, LabelInput
from poolscore.store.batches import release_batch
from poolscore.store.catalog import Catalog
from poolscore.store.change_pool import PoolChange, update_pool
from poolscore.store.leases import lease_batch
from poolscore.store.pools import get_pool
from poolscore.store.ranking_file import LoadedRanking
from poolscore.store.record_labels import record_labels
from poolscore.store.records import Batch
from poolscore.store.retract_label import retract_label
from tests.store_world import POOL, item

HOUR = timedelta(hours=1)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
CAT = Label("cat")


@pytest.fixture(autouse=True)
def five(catalog: Catalog, ranking: LoadedRanking) -> None:
    update_pool(catalog, POOL, PoolChange(budget=5))


def lease(
    catalog: Catalog, ranking: LoadedRanking, size: int, now: datetime = NOON, request: str = ""
) -> Batch:
    return lease_batch(catalog, POOL, size, "ann", HOUR, request or None, ranking, now)


def say(catalog: Catalog, *answers: tuple[int, str, Answer], now: datetime = NOON) -> Sequence[str]:
    """Record answers; returns why each was refused."""
    inputs = [LabelInput(item(row), said, who) for row, who, said in answers]
    results = record_labels(
        catalog, POOL, inputs, None, known_items=lambda ids: [True] * len(ids), now=now
    )
    return [result.reason for result in results]


def spent(catalog: Catalog) -> int:
    return get_pool(catalog, POOL).spent


def test_a_lease_with_a_focus_is_shortened_too(catalog: Catalog, ranking: LoadedRanking) -> None:
    def dogs() -> list[int]:
        given = (9, "ann", HOUR, None, ranking, NOON)
        return [each.rank for each in lease_batch(catalog, POOL, *given, classes=["dog"]).items]

    assert dogs() == [1, 4, 7, 10, 13]
    with pytest.raises(FailedPreconditionError) as caught:
        dogs()
    assert caught.value.reason == "BUDGET_SPENT"
    update_pool(catalog, POOL, PoolChange(budget=6))
    assert dogs() == [16]


def test_a_lease_is_shortened_and_then_refused(catalog: Catalog, ranking: LoadedRanking) -> None:
    first = lease(catalog, ranking, 3)
    short = lease(catalog, ranking, 3, request="r")
    assert [len(batch.items) for batch in (first, short)] == [3, 2]
    assert lease(catalog, ranking, 3, request="r") == short
    with pytest.raises(FailedPreconditionError, match="0 are spent and 5 leased") as caught:
        lease(catalog, ranking, 1)
    assert (caught.value.reason, caught.value.metadata["budget"]) == ("BUDGET_SPENT", "5")
    update_pool(catalog, POOL, PoolChange(budget=6))
    assert [leased.rank for leased in lease(catalog, ranking, 9).items] == [5]
    update_pool(catalog, POOL, PoolChange(budget=0))
    assert len(lease(catalog, ranking, 9).items) == 9


def test_leases_that_end_give_their_labels_back(catalog: Catalog, ranking: LoadedRanking) -> None:
    lease(catalog, ranking, 5)
    assert len(lease(catalog, ranking, 5, NOON + HOUR).items) == 5
    release_batch(catalog, POOL, 2, NOON + HOUR)
    assert len(lease(catalog, ranking, 5, NOON + HOUR).items) == 5


def test_what_an_answer_costs(catalog: Catalog, ranking: LoadedRanking) -> None:
    lease(catalog, ranking, 3)
    kinds = [(0, "ann", CAT), (1, "ann", Candidates(("cat", "dog"))), (2, "ann", Abstain("dark"))]
    assert list(say(catalog, *kinds)) == ["", "", ""]
    assert spent(catalog) == 3
    say(catalog, (0, "ann", CAT))  # repeated
    say(catalog, (0, "ann", Label("dog")))  # corrected
    assert spent(catalog) == 3
    say(catalog, (0, "bob", CAT), (0, "bob", Label("dog")))
    assert spent(catalog) == 4
    retract_label(catalog, POOL, item(0), "ann")
    assert spent(catalog) == 3
    say(catalog, (0, "ann", CAT))
    assert spent(catalog) == 4


def test_answers_to_leased_items_are_never_refused(
    catalog: Catalog, ranking: LoadedRanking
) -> None:
    lease(catalog, ranking, 5)
    late = NOON + 2 * HOUR
    lease(catalog, ranking, 5, late)  # the same items again
    everybody = [(row, who, CAT) for row in range(5) for who in ("ann", "bob")]
    assert set(say(catalog, *everybody, now=late)) == {""}
    assert spent(catalog) == 10
    with pytest.raises(FailedPreconditionError):
        lease(catalog, ranking, 1, late)


def test_answers_to_items_that_were_never_leased_stop_at_the_budget(
    catalog: Catalog, ranking: LoadedRanking
) -> None:
    lease(catalog, ranking, 2)
    unasked = [(row, "ann", CAT) for row in range(10, 15)]
    assert list(say(catalog, *unasked)) == ["", "", "", "BUDGET_SPENT", "BUDGET_SPENT"]
    assert spent(catalog) == 3
    assert list(say(catalog, (0, "ann", CAT), (1, "ann", CAT), (15, "ann", CAT))) == [
        "",
        "",
        "BUDGET_SPENT",
    ]
    assert spent(catalog) == 5


def test_threads_together_never_pass_the_budget(catalog: Catalog, ranking: LoadedRanking) -> None:
    update_pool(catalog, POOL, PoolChange(budget=11))

    def work(who: int) -> int:
        answered = 0
        while True:
            try:
                items = lease(catalog, ranking, 1 + who % 3).items
            except FailedPreconditionError:
                return answered
            pool = get_pool(catalog, POOL)
            assert pool.spent <= 11
            answered += len(items)
            assert set(say(catalog, *((each.rank, f"a{who}", CAT) for each in items))) == {""}

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(work, range(8))) == 11
    assert spent(catalog) == 11
