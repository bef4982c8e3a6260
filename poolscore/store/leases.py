"""Leasing: the best items of a ranking that are neither leased nor answered.

The guard of "never twice" is the primary key (pool, item) of `item_leases` together with the one
write transaction that holds the pool, sweeps expired leases, looks for free rows and takes them. It
holds whichever rankings the leases are from.

PostgreSQL's `SKIP LOCKED` would not help: the order lies in the ranking's file and not in a table,
so that what may be leased has no rows to lock before it is leased.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam

from poolscore.errors import AbortedError, FailedPreconditionError, InvalidInputError
from poolscore.store import sql
from poolscore.store.audit import Action, write_event
from poolscore.store.batches import (
    batch_by_request,
    batch_facts,
    check_duration,
    count_freed,
    read_batch,
)
from poolscore.store.budget import room
from poolscore.store.catalog import Catalog
from poolscore.store.free_ranks import check_size, focus_of, free_ranks
from poolscore.store.lease_choices import LeaseChoice, choice_of, insert_choice
from poolscore.store.lease_positions import Focus
from poolscore.store.prompt_versions import read_prompt_version
from poolscore.store.ranking_file import LoadedRanking
from poolscore.store.rankings import newest_number, no_ranking_of_strategy
from poolscore.store.records import Batch, BatchItem, BatchState, RankedItem
from poolscore.store.tables import batch_items, batches, item_leases

_SWEEP = item_leases.delete().where(
    item_leases.c.pool_id == bindparam("pool"), item_leases.c.expire_time <= bindparam("now")
)


def lease_batch(
    catalog: Catalog,
    pool_id: str,
    size: int,
    annotator: str,
    duration: timedelta,
    request_id: str | None,
    ranking: LoadedRanking,
    now: datetime | None = None,
    *,
    strategy: str = "",
    classes: Sequence[str] = (),
) -> Batch:
    """Lease up to `size` items until `now + duration`; an exhausted ranking gives an empty batch.

    `ranking` is the active one, or, with a `strategy`, the newest of that strategy for the active
    snapshot and prompt version. With `classes`, names of the ranking's prompt version, only items
    predicted to be one of them are leased. A budget that leaves less gives fewer items.

    The same request id gives the same batch, whatever happened meanwhile. Raises InvalidInputError
    INVALID_SIZE, INVALID_LEASE_DURATION, MISSING_ANNOTATOR, UNKNOWN_CLASS or REQUEST_ID_REUSED;
    FailedPreconditionError NO_RANKING, or BUDGET_SPENT when no label is left beside those spent and
    reserved by leases; AbortedError RANKING_SWITCHED when `ranking` is not the one to lease from
    any more: load that one and call again.
    """
    _check(size, annotator)
    choice = LeaseChoice.of(strategy, classes)
    check_duration(duration)
    with catalog.write() as connection:
        pool = sql.lock_pool(connection, pool_id)
        now = now or sql.clock(connection)  # waiting for the lock takes time in which leases expire
        earlier = request_id and batch_by_request(connection, pool_id, request_id)
        if earlier:
            return _same_request(connection, earlier, size, annotator, choice, now)
        _check_current(connection, pool, ranking, strategy)
        focus = _focus(connection, ranking, choice)
        freed = _sweep(connection, pool, now)
        allowed = room(connection, pool, size, now)
        start = ranking.positions.get(freed, focus)
        ranks = free_ranks(connection, pool_id, ranking, start, allowed, focus, now)
        batch = Batch(
            pool_id=pool_id,
            number=sql.next_number(connection, batches.c.number, pool_id),
            annotator=annotator,
            items=tuple(_batch_item(item) for item in ranking.items(ranks)),
            state=BatchState.OPEN if ranks else BatchState.DONE,
            lease_time=now,
            expire_time=now + duration,
            ranking=ranking.record.number,
            prompt_version=ranking.record.prompt_version,
            request_id=request_id or uuid.uuid4().hex,
        )
        _insert(connection, batch, size)
        insert_choice(connection, batch, choice)
        write_event(
            connection,
            pool_id,
            Action.LEASE_BATCH,
            batch.name,
            {"batches": [batch_facts(batch)]},
            now=now,
            request_id=batch.request_id,
        )
    # After the commit only: a row before the position must be taken for everybody.
    end = ranks[-1] + 1 if len(ranks) == allowed else len(ranking)
    ranking.positions.set(freed, end, focus)
    return batch


def leased_before(
    catalog: Catalog,
    pool_id: str,
    size: int,
    annotator: str,
    request_id: str,
    *,
    strategy: str = "",
    classes: Sequence[str] = (),
) -> Batch | None:
    """The batch that this request id has leased, None when it is new: needs no ranking.

    Raises NotFoundError POOL_NOT_FOUND, InvalidInputError REQUEST_ID_REUSED.
    """
    choice = LeaseChoice.of(strategy, classes)
    with catalog.read() as connection:
        sql.pool_row(connection, pool_id)
        earlier = batch_by_request(connection, pool_id, request_id)
        if earlier is None:
            return None
        return _same_request(connection, earlier, size, annotator, choice, sql.clock(connection))


def _check(size: int, annotator: str) -> None:
    check_size(size)
    if not annotator.strip():
        raise InvalidInputError(
            "a batch is leased to an annotator; say who asks", reason="MISSING_ANNOTATOR"
        )


def _same_request(
    connection: Connection,
    earlier: Row[Any],
    size: int,
    annotator: str,
    choice: LeaseChoice,
    now: datetime,
) -> Batch:
    before = choice_of(connection, earlier.pool_id, earlier.number)
    if (earlier.requested_size, earlier.annotator, before) != (size, annotator, choice):
        raise InvalidInputError(
            f"request id '{earlier.request_id}' already leased {earlier.requested_size} items to "
            f"'{earlier.annotator}'{before.words}; use a new request id",
            reason="REQUEST_ID_REUSED",
        )
    return read_batch(connection, earlier, now)


def _check_current(
    connection: Connection, pool: Row[Any], ranking: LoadedRanking, strategy: str
) -> None:
    if pool.active_ranking is None:
        raise FailedPreconditionError(
            f"pool '{pool.pool_id}' has no ranking yet; embed images first: "
            f"'poolscore embed {pool.pool_id} FOLDER'",
            reason="NO_RANKING",
        )
    current = pool.active_ranking
    if strategy:
        made_from = pool.active_snapshot, pool.active_prompt_version
        current = newest_number(connection, pool.pool_id, *made_from, strategy)
        if current is None:
            raise no_ranking_of_strategy(pool.pool_id, strategy)
    if (ranking.record.pool_id, ranking.record.number) != (pool.pool_id, current):
        raise AbortedError(
            f"pool '{pool.pool_id}' has switched to ranking {current}; lease from it",
            reason="RANKING_SWITCHED",
        )


def _focus(connection: Connection, ranking: LoadedRanking, choice: LeaseChoice) -> Focus:
    if not choice.classes:
        return frozenset()
    made_by = ranking.record
    version = read_prompt_version(connection, made_by.pool_id, made_by.prompt_version)
    return focus_of(choice.classes, version.classes)


def _sweep(connection: Connection, pool: Row[Any], now: datetime) -> int:
    """Return the items of expired leases; the result counts how often items became free."""
    swept = connection.execute(_SWEEP, {"pool": pool.pool_id, "now": now}).rowcount
    if not swept:
        return pool.freed
    freed = count_freed(connection, pool)
    name, facts = f"pools/{pool.pool_id}", {"pools": [{"freed": freed}]}
    write_event(connection, pool.pool_id, Action.EXPIRE_LEASES, name, facts, now=now)
    return freed


def _batch_item(item: RankedItem) -> BatchItem:
    return BatchItem(**vars(item))


def _insert(connection: Connection, batch: Batch, size: int) -> None:
    columns = vars(batch) | {"requested_size": size}
    del columns["items"]
    connection.execute(batches.insert(), columns)
    if not batch.items:
        return
    key = {"pool_id": batch.pool_id, "batch": batch.number}
    connection.execute(batch_items.insert(), [key | _item_columns(item) for item in batch.items])
    connection.execute(
        item_leases.insert(),
        [key | {"item_id": item.item_id, "expire_time": batch.expire_time} for item in batch.items],
    )


def _item_columns(item: BatchItem) -> dict[str, Any]:
    return {
        "rank": item.rank,
        "item_id": item.item_id,
        "uri": item.uri,
        "utility": item.utility,
        "reason": item.reason,
        **vars(item.prediction),
    }
