from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import StatementError

from poolscore.encoder.spec import EncoderSpec
from poolscore.errors import InvalidInputError
from poolscore.labels.answer import Abstain, Label, LabelInput
from poolscore.store.catalog import Catalog
from poolscore.store.leases import lease_batch
from poolscore.store.pools import create_pool, get_pool, list_pools
from poolscore.store.prompt_versions import add_prompt_version
from poolscore.store.ranking_file import LoadedRanking
from poolscore.store.record_labels import record_labels
from poolscore.store.records import RunKind, RunState
from poolscore.store.run_queue import begin_run, finish_run
from poolscore.store.runs import start_run
from poolscore.store.tables import item_leases, pools
from tests.store_world import POOL, add_pool, item


def test_times_come_back_aware_and_in_utc(catalog: Catalog) -> None:
    add_pool(catalog)
    moment = datetime(2026, 1, 2, 3, 4, 5, 678901, timezone(timedelta(hours=2)))
    with catalog.write() as connection:
        connection.execute(update(pools).values(update_time=moment))
    stored = get_pool(catalog, POOL).update_time
    assert stored == moment
    assert stored.tzinfo is UTC


def test_a_naive_time_is_refused(catalog: Catalog) -> None:
    add_pool(catalog)
    with pytest.raises(StatementError, match="naive"), catalog.write() as connection:
        connection.execute(update(pools).values(update_time=datetime(2026, 1, 2)))


def test_names_are_ordered_by_their_bytes(catalog: Catalog) -> None:
    """Many locales would leave out the '-' and put letters of both cases together."""
    names = ["a", "a-b", "a0", "ab", "b-a", "ba"]
    for name in reversed(names):
        add_pool(catalog, name)
    seen, token = [], ""
    for _ in names:
        page, token = list_pools(catalog, 1, token)
        seen += [pool.pool_id for pool in page]
    assert (seen, token) == (names, "")


def test_ids_are_ordered_by_their_bytes(catalog: Catalog, ranking: LoadedRanking) -> None:
    batch = lease_batch(catalog, POOL, 1, "ann", timedelta(hours=1), None, ranking)
    ids = ["B", "Z", "_", "a", "a b", "a-b", "ab", "Ä", "é", "\ue000", "\U0001f600"]
    values = {"pool_id": POOL, "batch": batch.number, "expire_time": batch.expire_time}
    with catalog.write() as connection:
        rows = [values | {"item_id": name} for name in reversed(ids)]
        connection.execute(insert(item_leases), rows)
        query = select(item_leases.c.item_id).order_by(item_leases.c.item_id)
        assert connection.scalars(query.where(item_leases.c.item_id != item(0))).all() == ids
        after = query.where(item_leases.c.item_id > "a b", item_leases.c.item_id != item(0))
        assert connection.scalars(after).all() == ids[ids.index("a b") + 1 :]


def test_text_comes_back_as_it_was(catalog: Catalog) -> None:
    said = "'quoted' \"twice\" %s %(x)s \\ \n\t\u2028 Grüße 你好 \U0001f600 \x01\x7f"
    create_pool(catalog, "p", ["a", "b"], "", EncoderSpec(), "d", "", 0, said)
    assert get_pool(catalog, "p").display_name == said


@pytest.mark.usefixtures("ranking")
def test_a_nul_in_a_text_is_the_callers_mistake(catalog: Catalog, ranking: LoadedRanking) -> None:
    hour = timedelta(hours=1)
    for attempt in (
        lambda: get_pool(catalog, "p\0"),
        lambda: start_run(catalog, POOL, RunKind.TRAIN, {}, "r\0"),
        lambda: lease_batch(catalog, POOL, 1, "ann\0", hour, None, ranking),
        lambda: lease_batch(catalog, POOL, 1, "ann", hour, "r\0", ranking),
        lambda: record_labels(catalog, POOL, [LabelInput(item(0), Label("cat"))], "r\0"),
    ):
        with pytest.raises(InvalidInputError, match="NUL") as caught:
            attempt()
        assert caught.value.reason == "INVALID_TEXT"


def test_a_nul_in_one_answer_does_not_lose_the_others(
    catalog: Catalog, ranking: LoadedRanking
) -> None:
    lease_batch(catalog, POOL, 5, "ann", timedelta(hours=1), None, ranking)
    inputs = [
        LabelInput(item(0), Label("cat")),
        LabelInput("\0", Label("cat")),
        LabelInput(item(1), Label("\0")),
        LabelInput(item(2), Abstain("\0")),
        LabelInput(item(3), Label("cat"), "ann\0"),
        LabelInput(item(4), Label("cat"), batch=1),
        LabelInput("\0", Label("cat"), batch=1),
    ]
    for _ in range(2):  # the results are stored, and read again
        results = record_labels(catalog, POOL, inputs, "r")
        assert [result.event for result in results] == [1, None, None, None, None, 2, None]
        assert [result.reason for result in results if result.event is None] == [
            "UNKNOWN_ITEM",
            "UNKNOWN_CLASS",
            "INVALID_TEXT",
            "INVALID_TEXT",
            "WRONG_BATCH",
        ]


def test_a_nul_in_what_a_library_says_does_not_keep_a_run_from_ending(catalog: Catalog) -> None:
    add_pool(catalog)
    run = begin_run(catalog, POOL, RunKind.TRAIN, {"name": "\0"}, "w")
    assert run.spec == {"name": "\0"}
    assert finish_run(catalog, run, "w", RunState.FAILED, "bad\0path").error == "bad\\0path"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_is_none_is_refused(catalog: Catalog, value: float) -> None:
    add_pool(catalog)
    with pytest.raises(InvalidInputError) as caught:
        add_prompt_version(catalog, POOL, "b" * 64, "p", 0, 0, None, {"loss": value})
    assert caught.value.reason == "NUMBER_NOT_FINITE"


def test_numbers_come_back_as_they_were(catalog: Catalog) -> None:
    add_pool(catalog)
    metrics = {"a": 0.1, "b": 1e-300, "c": 1.7976931348623157e308, "d": -0.0}
    version = add_prompt_version(catalog, POOL, "b" * 64, "p", 2**63 - 1, 0, None, metrics)
    with pytest.raises(InvalidInputError) as caught:
        add_prompt_version(catalog, POOL, "c" * 64, "p", 2**63, 0, None, {})
    assert caught.value.reason == "NUMBER_OUT_OF_RANGE"
    assert version.label_watermark == 2**63 - 1
