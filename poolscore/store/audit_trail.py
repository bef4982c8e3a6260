"""The audit trail, read."""

from collections.abc import Iterator
from datetime import datetime
from heapq import merge

from sqlalchemy import select

from poolscore.errors import InvalidInputError
from poolscore.store import sql
from poolscore.store.audit import NO_POOL
from poolscore.store.catalog import Catalog
from poolscore.store.records import AuditEvent
from poolscore.store.tables import audit_events, pools


def read_trail(
    catalog: Catalog, pool_id: str | None = None, after: int = 0
) -> Iterator[AuditEvent]:
    """Events of one pool, or of all and those of none by time; pages are read as they are needed.

    `after` is a number in the trail of a pool, or of no pool (`audit.NO_POOL`); its own event and
    earlier ones are left out. Raises NotFoundError POOL_NOT_FOUND; InvalidInputError
    TRAIL_NOT_NAMED for `after` without a pool.
    """
    if pool_id is None:
        if after:
            raise InvalidInputError(
                "each pool numbers its own events; say whose events to continue with --pool",
                reason="TRAIL_NOT_NAMED",
            )
        with catalog.read() as connection:
            ids = [NO_POOL, *connection.scalars(select(pools.c.pool_id))]
        return merge(*(_pages(catalog, each, 0) for each in ids), key=_when)
    if pool_id != NO_POOL:
        with catalog.read() as connection:
            sql.pool_row(connection, pool_id, also_deleted=True)
    return _pages(catalog, pool_id, after)


def _when(event: AuditEvent) -> tuple[datetime, str, int]:
    return event.create_time, event.pool_id, event.sequence


def _pages(catalog: Catalog, pool_id: str, after: int) -> Iterator[AuditEvent]:
    columns = audit_events.c
    query = select(audit_events).order_by(columns.sequence).limit(sql.MAX_PAGE)
    while True:
        with catalog.read() as connection:
            page = query.where(columns.pool_id == pool_id, columns.sequence > after)
            events = [AuditEvent(**row) for row in connection.execute(page).mappings()]
        if not events:
            return
        yield from events
        after = events[-1].sequence
