"""Statements that every resource shares."""

import base64
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Column, Connection, Row, Select, bindparam, func, select

from poolscore.errors import InvalidInputError, NotFoundError
from poolscore.store.tables import pools

DEFAULT_PAGE = 100
MAX_PAGE = 1000

# Statements of the hot paths are built once: building costs more than SQLite needs to run them.
_POOL = select(pools).where(pools.c.pool_id == bindparam("pool_id"))
_LOCKED_POOL = _POOL.with_for_update()


def pool_row(connection: Connection, pool_id: str) -> Row[Any]:
    """The pool's row. Raises NotFoundError POOL_NOT_FOUND."""
    return _pool(connection, pool_id, _POOL)


def lock_pool(connection: Connection, pool_id: str) -> Row[Any]:
    """The pool's row, held until the transaction ends; writes to one pool come one by one.

    In SQLite the write transaction holds everything anyway. Raises NotFoundError POOL_NOT_FOUND.
    """
    return _pool(connection, pool_id, _LOCKED_POOL)


def _pool(connection: Connection, pool_id: str, query: Select[Any]) -> Row[Any]:
    row = connection.execute(query, {"pool_id": pool_id}).one_or_none()
    if row is None:
        raise NotFoundError(
            f"there is no pool '{pool_id}'; 'poolscore pool list' shows those that exist",
            reason="POOL_NOT_FOUND",
            pool=pool_id,
        )
    return row


def next_number(
    connection: Connection, column: Column[int], pool_id: str, *, first: int = 1
) -> int:
    """One more than the largest number in the pool. Needs `lock_pool` in the same transaction."""
    largest = connection.scalar(_largest(column), {"pool_id": pool_id})
    return first if largest is None else largest + 1


@cache
def _largest(column: Column[int]) -> Select[Any]:
    return select(func.max(column)).where(column.table.c.pool_id == bindparam("pool_id"))


def touch_pool(connection: Connection, pool: Row[Any], now: datetime, **values: Any) -> None:
    """Change the pool and with it its etag."""
    connection.execute(
        pools.update()
        .where(pools.c.pool_id == pool.pool_id)
        .values(revision=pool.revision + 1, update_time=now, **values)
    )


def page_limit(page_size: int) -> int:
    """Rows in a page: 0 means the default, more than the maximum means the maximum."""
    if page_size < 0:
        raise InvalidInputError(
            f"page_size is {page_size}; it must not be negative", reason="INVALID_PAGE_SIZE"
        )
    return min(page_size or DEFAULT_PAGE, MAX_PAGE)


def write_token(last: str | int) -> str:
    """Page token that continues after the row with this key."""
    return base64.urlsafe_b64encode(str(last).encode()).decode()


def read_token(token: str) -> str:
    """Key in a page token; empty for the first page. Raises INVALID_PAGE_TOKEN."""
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except ValueError as error:
        raise _bad_token(token) from error


def read_number_token(token: str) -> int | None:
    """Number in a page token; None for the first page. Raises INVALID_PAGE_TOKEN."""
    key = read_token(token)
    if not key:
        return None
    if not key.isdecimal():
        raise _bad_token(token)
    return int(key)


def _bad_token(token: str) -> InvalidInputError:
    return InvalidInputError(
        f"page token '{token[:80]}' is not one that this service gave; start again without one",
        reason="INVALID_PAGE_TOKEN",
    )
