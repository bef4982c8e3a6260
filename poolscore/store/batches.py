"""Batches: read, extend, release."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, select

from poolscore.errors import FailedPreconditionError, InvalidInputError, NotFoundError
from poolscore.store import sql
from poolscore.store.audit import Action, Facts, write_event
from poolscore.store.catalog import Catalog
from poolscore.store.records import Batch, BatchItem, BatchState, Prediction
from poolscore.store.tables import batch_items, batches, effective_answers, item_leases, pools

MIN_LEASE = timedelta(seconds=1)
MAX_LEASE = timedelta(days=7)

_BY_REQUEST = select(batches).where(
    batches.c.pool_id == bindparam("pool"), batches.c.request_id == bindparam("request")
)


def get_batch(catalog: Catalog, pool_id: str, number: int, now: datetime | None = None) -> Batch:
    """One batch with the state of its items. Raises POOL_NOT_FOUND or BATCH_NOT_FOUND."""
    with catalog.read() as connection:
        sql.pool_row(connection, pool_id)
        now = now or sql.clock(connection)
        return read_batch(connection, _row(connection, pool_id, number), now)


def extend_batch(
    catalog: Catalog,
    pool_id: str,
    number: int,
    duration: timedelta,
    now: datetime | None = None,
) -> Batch:
    """Move the deadline of an open batch to `now + duration`.

    Raises FailedPreconditionError BATCH_NOT_OPEN: what has expired may be somebody else's by now.
    """
    check_duration(duration)
    with catalog.write() as connection:
        sql.lock_pool(connection, pool_id)
        now = now or sql.clock(connection)  # waiting for the lock takes time in which leases expire
        row = _row(connection, pool_id, number)
        state = _state(row, now)
        if state is not BatchState.OPEN:
            raise FailedPreconditionError(
                f"batch {number} of pool '{pool_id}' is {state} and cannot be extended; lease a "
                "new one",
                reason="BATCH_NOT_OPEN",
            )
        for table, key in ((batches, batches.c.number), (item_leases, item_leases.c.batch)):
            connection.execute(
                table.update()
                .where(table.c.pool_id == pool_id, key == number)
                .values(expire_time=now + duration)
            )
        batch = read_batch(connection, _row(connection, pool_id, number), now)
        facts = {"batches": [batch_facts(batch)]}
        write_event(connection, pool_id, Action.EXTEND_BATCH, batch.name, facts, now=now)
        return batch


def release_batch(
    catalog: Catalog, pool_id: str, number: int, now: datetime | None = None
) -> tuple[Batch, int]:
    """Give the items back that have no answer yet; returns how many that were.

    A batch that is not open stays as it is, so a retry is harmless.
    """
    with catalog.write() as connection:
        pool = sql.lock_pool(connection, pool_id)
        now = now or sql.clock(connection)  # waiting for the lock takes time in which leases expire
        row = _row(connection, pool_id, number)
        if _state(row, now) is not BatchState.OPEN:
            return read_batch(connection, row, now), 0
        released = connection.execute(
            item_leases.delete().where(
                item_leases.c.pool_id == pool_id, item_leases.c.batch == number
            )
        ).rowcount
        connection.execute(
            batches.update()
            .where(batches.c.pool_id == pool_id, batches.c.number == number)
            .values(state=BatchState.RELEASED)
        )
        freed = count_freed(connection, pool)
        batch = read_batch(connection, _row(connection, pool_id, number), now)
        facts: Facts = {"batches": [batch_facts(batch)], "pools": [{"freed": freed}]}
        write_event(connection, pool_id, Action.RELEASE_BATCH, batch.name, facts, now=now)
        return batch, released


def count_freed(connection: Connection, pool: Row[Any]) -> int:
    """Note that items became free without an answer, so that leasing starts from the top again.

    Returns how often that was.
    """
    freed = pool.freed + 1
    connection.execute(pools.update().where(pools.c.pool_id == pool.pool_id).values(freed=freed))
    return freed


def batch_facts(batch: Batch) -> dict[str, Any]:
    """What the audit trail says of a batch that is new or has changed."""
    return {"number": batch.number, "state": batch.state, "expire_time": batch.expire_time}


def check_duration(duration: timedelta) -> None:
    """Raise InvalidInputError INVALID_LEASE_DURATION outside of 1 second to 7 days."""
    if not MIN_LEASE <= duration <= MAX_LEASE:
        raise InvalidInputError(
            f"a lease of {duration.total_seconds():g} s is not possible; ask for 1 s to 7 days",
            reason="INVALID_LEASE_DURATION",
        )


def batch_by_request(connection: Connection, pool_id: str, request_id: str) -> Row[Any] | None:
    """Row of the batch that a request id has leased."""
    key = {"pool": pool_id, "request": request_id}
    return connection.execute(_BY_REQUEST, key).one_or_none()


def read_batch(connection: Connection, row: Row[Any], now: datetime) -> Batch:
    """The record of a batch row, with its items."""
    items, answers = batch_items.c, effective_answers.c
    query = (
        select(batch_items, answers.sequence)
        .select_from(batch_items)
        .outerjoin(
            effective_answers,
            and_(answers.pool_id == items.pool_id, answers.item_id == items.item_id),
        )
        .where(items.pool_id == row.pool_id, items.batch == row.number)
        .order_by(items.rank)
    )
    return Batch(
        pool_id=row.pool_id,
        number=row.number,
        annotator=row.annotator,
        items=tuple(_item(item) for item in connection.execute(query)),
        state=_state(row, now),
        lease_time=row.lease_time,
        expire_time=row.expire_time,
        ranking=row.ranking,
        prompt_version=row.prompt_version,
        request_id=row.request_id,
    )


def prediction_of(row: Row[Any]) -> Prediction:
    """The prediction columns of a batch item or a label event."""
    return Prediction(row.predicted, row.probability, row.margin, row.entropy, row.p_clean)


def _item(row: Row[Any]) -> BatchItem:
    return BatchItem(
        item_id=row.item_id,
        uri=row.uri,
        rank=row.rank,
        utility=row.utility,
        reason=row.reason,
        prediction=prediction_of(row),
        answered=row.sequence is not None,
    )


def _state(row: Row[Any], now: datetime) -> BatchState:
    # Expiry is a fact of the clock: nothing has to be written for it to be true.
    expired = row.state == BatchState.OPEN and row.expire_time <= now
    return BatchState.EXPIRED if expired else BatchState(row.state)


def _row(connection: Connection, pool_id: str, number: int) -> Row[Any]:
    query = select(batches).where(batches.c.pool_id == pool_id, batches.c.number == number)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFoundError(
            f"there is no batch {number} in pool '{pool_id}'", reason="BATCH_NOT_FOUND"
        )
    return row
