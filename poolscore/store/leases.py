"""Leasing: the best items of the active ranking that are neither leased nor answered.

The guard of "never twice" is the primary key (pool, item) of `item_leases` together with the one
write transaction that sweeps expired leases, looks for free rows and takes them.
"""

import uuid
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, union_all

from poolscore.errors import AbortedError, FailedPreconditionError, InvalidInputError
from poolscore.store import sql
from poolscore.store.batches import batch_by_request, check_duration, count_freed, read_batch
from poolscore.store.catalog import Catalog
from poolscore.store.ranking_file import LoadedRanking
from poolscore.store.records import Batch, BatchItem, BatchState, RankedItem, utcnow
from poolscore.store.tables import batch_items, batches, effective_answers, item_leases

MAX_SIZE = 1000
_MAX_LOOK = 4096

_SWEEP = item_leases.delete().where(
    item_leases.c.pool_id == bindparam("pool"), item_leases.c.expire_time <= bindparam("now")
)
_TAKEN = union_all(
    *(
        select(table.c.item_id).where(
            table.c.pool_id == bindparam("pool"),
            table.c.item_id.in_(bindparam("ids", expanding=True)),
        )
        for table in (item_leases, effective_answers)
    )
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
) -> Batch:
    """Lease up to `size` items until `now + duration`; an exhausted ranking gives an empty batch.

    The same request id gives the same batch, whatever happened meanwhile. Raises InvalidInputError
    INVALID_SIZE, INVALID_LEASE_DURATION, MISSING_ANNOTATOR or REQUEST_ID_REUSED;
    FailedPreconditionError NO_RANKING; AbortedError RANKING_SWITCHED when `ranking` is not the
    active one any more: load that one and call again.
    """
    _check(size, annotator)
    check_duration(duration)
    with catalog.write() as connection:
        now = now or utcnow()  # waiting for the lock takes time in which leases expire
        pool = sql.lock_pool(connection, pool_id)
        earlier = request_id and batch_by_request(connection, pool_id, request_id)
        if earlier:
            return _same_request(connection, earlier, size, annotator, now)
        _check_active(pool, ranking)
        freed = _sweep(connection, pool, now)
        ranks = _free_ranks(connection, ranking, freed, size)
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
    # After the commit only: a row before the position must be taken for everybody.
    ranking.position.set(freed, ranks[-1] + 1 if len(ranks) == size else len(ranking))
    return batch


def _check(size: int, annotator: str) -> None:
    if not 1 <= size <= MAX_SIZE:
        raise InvalidInputError(
            f"a batch of {size} items cannot be leased; ask for 1 to {MAX_SIZE}",
            reason="INVALID_SIZE",
        )
    if not annotator.strip():
        raise InvalidInputError(
            "a batch is leased to an annotator; say who asks", reason="MISSING_ANNOTATOR"
        )


def _same_request(
    connection: Connection, earlier: Row[Any], size: int, annotator: str, now: datetime
) -> Batch:
    if (earlier.requested_size, earlier.annotator) != (size, annotator):
        raise InvalidInputError(
            f"request id '{earlier.request_id}' already leased {earlier.requested_size} items to "
            f"'{earlier.annotator}'; use a new request id",
            reason="REQUEST_ID_REUSED",
        )
    return read_batch(connection, earlier, now)


def _check_active(pool: Row[Any], ranking: LoadedRanking) -> None:
    if pool.active_ranking is None:
        raise FailedPreconditionError(
            f"pool '{pool.pool_id}' has no ranking yet; embed images first: "
            f"'poolscore embed {pool.pool_id} FOLDER'",
            reason="NO_RANKING",
        )
    if (ranking.record.pool_id, ranking.record.number) != (pool.pool_id, pool.active_ranking):
        raise AbortedError(
            f"pool '{pool.pool_id}' has switched to ranking {pool.active_ranking}; lease from it",
            reason="RANKING_SWITCHED",
        )


def _sweep(connection: Connection, pool: Row[Any], now: datetime) -> int:
    """Return the items of expired leases; the result counts how often items became free."""
    swept = connection.execute(_SWEEP, {"pool": pool.pool_id, "now": now}).rowcount
    if not swept:
        return pool.freed
    count_freed(connection, pool)
    return pool.freed + 1


def _free_ranks(connection: Connection, ranking: LoadedRanking, freed: int, size: int) -> list[int]:
    start = ranking.position.get(freed)
    ranks: list[int] = []
    look = max(2 * size, 64)
    while len(ranks) < size and start < len(ranking):
        ids = ranking.ids(start, start + look)
        wanted = {"pool": ranking.record.pool_id, "ids": ids}
        taken = set(connection.scalars(_TAKEN, wanted))
        ranks += [start + row for row, item_id in enumerate(ids) if item_id not in taken]
        start += len(ids)
        look = min(2 * look, _MAX_LOOK)
    return ranks[:size]


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
