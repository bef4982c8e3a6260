"""Statements that every resource shares."""

import base64
import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Column, Connection, Row, Select, bindparam, func, select

from poolscore.errors import InvalidInputError, NotFoundError
from poolscore.store.catalog_url import SQLITE
from poolscore.store.column_types import UtcDateTime
from poolscore.store.records import utcnow
from poolscore.store.tables import pools

DEFAULT_PAGE = 100
MAX_PAGE = 1000

# Statements of the hot paths are built once: building costs more than SQLite needs to run them.
_POOL = select(pools).where(pools.c.pool_id == bindparam("pool_id"))
_LOCKED_POOL = _POOL.with_for_update()
_CLOCK = select(func.clock_timestamp(type_=UtcDateTime))


def pool_row(connection: Connection, pool_id: str, *, also_deleted: bool = False) -> Row[Any]:
    """The pool's row. Raises NotFoundError POOL_NOT_FOUND, POOL_DELETED."""
    return _pool(connection, pool_id, _POOL, also_deleted)


def lock_pool(connection: Connection, pool_id: str, *, also_deleted: bool = False) -> Row[Any]:
    """The pool's row, held until the transaction ends; writes to one pool come one by one.

    Every transaction that writes to a pool calls it first and locks no second pool: so it reads
    what the last writer has committed, numbers follow each other without gaps, and nobody waits
    for somebody who waits for him. In SQLite the write transaction holds everything anyway. Raises
    NotFoundError POOL_NOT_FOUND, POOL_DELETED.
    """
    return _pool(connection, pool_id, _LOCKED_POOL, also_deleted)


def _pool(connection: Connection, pool_id: str, query: Select[Any], also_deleted: bool) -> Row[Any]:
    row = connection.execute(query, {"pool_id": pool_id}).one_or_none()
    if row is None:
        raise NotFoundError(
            f"there is no pool '{pool_id}'; 'poolscore pool list' shows those that exist",
            reason="POOL_NOT_FOUND",
            pool=pool_id,
        )
    if row.delete_time is not None and not also_deleted:
        raise NotFoundError(
            f"pool '{pool_id}' was deleted; 'poolscore pool undelete {pool_id}' brings it back",
            reason="POOL_DELETED",
            pool=pool_id,
        )
    return row


def clock(connection: Connection) -> datetime:
    """The time by which deadlines of this catalog are judged, in UTC.

    In PostgreSQL the server's: the clocks of the machines that share it differ, and one that is
    ahead would give away what others still hold. An SQLite file is of one machine, with one clock.
    """
    if connection.dialect.name == SQLITE:
        return utcnow()
    return connection.execute(_CLOCK).scalar_one()


def next_number(
    connection: Connection, column: Column[int], pool_id: str, *, first: int = 1
) -> int:
    """One more than the largest number in the pool. Needs `lock_pool` in the same transaction."""
    largest = connection.scalar(_largest(column), {"pool_id": pool_id})
    return first if largest is None else largest + 1


@cache
def _largest(column: Column[int]) -> Select[Any]:
    return select(func.max(column)).where(column.table.c.pool_id == bindparam("pool_id"))


def touch_pool(
    connection: Connection, pool: Row[Any], now: datetime, **values: Any
) -> dict[str, Any]:
    """Change the pool and with it its etag; returns all columns that have changed."""
    values |= {"revision": pool.revision + 1, "update_time": now}
    connection.execute(pools.update().where(pools.c.pool_id == pool.pool_id).values(**values))
    return values


def page_limit(page_size: int) -> int:
    """Rows in a page: 0 means the default, more than the maximum means the maximum."""
    if page_size < 0:
        raise InvalidInputError(
            f"page_size is {page_size}; it must not be negative", reason="INVALID_PAGE_SIZE"
        )
    return min(page_size or DEFAULT_PAGE, MAX_PAGE)


def write_token(last: str | int, *parameters: object) -> str:
    """Page token that continues a list of these parameters after the row with this key.

    The parameters are all that chooses the rows, the kind of list among them, but not the size of
    the page, which may change.
    """
    return base64.urlsafe_b64encode(f"{_digest(parameters)}{last}".encode()).decode()


def read_token(token: str, *parameters: object) -> str:
    """Key in a page token; empty for the first page.

    Raises InvalidInputError INVALID_PAGE_TOKEN when it was not given for these parameters.
    """
    if not token:
        return ""
    try:
        content = base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except ValueError as error:
        raise bad_token(token) from error
    digest = _digest(parameters)
    if not content.startswith(digest) or "\0" in content:
        raise bad_token(token)
    return content.removeprefix(digest)


_DIGITS = 18
"""Of a number that a database can hold."""


def read_number_token(token: str, *parameters: object) -> int | None:
    """Number in a page token; None for the first page. Raises as `read_token`."""
    key = read_token(token, *parameters)
    if not token:
        return None
    if not (key.isascii() and key.isdigit()) or len(key) > _DIGITS:
        raise bad_token(token)
    return int(key)


def _digest(parameters: Sequence[object]) -> str:
    return hashlib.sha256(json.dumps(parameters).encode()).hexdigest()[:16]


def bad_token(token: str) -> InvalidInputError:
    """The error for a token that cannot be read."""
    return InvalidInputError(
        f"page token '{token[:80]}' is not one that this service gave for this list and these "
        "parameters; start again without one",
        reason="INVALID_PAGE_TOKEN",
    )
