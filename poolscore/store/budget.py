"""The label budget of a pool.

Every annotator's answer in force to an item costs one label, whatever it says; a correction costs
nothing more and a retraction gives the label back. `pools.spent` is the sum, which changes in the
transaction that writes the events and holds the pool's row. An open lease reserves one label an
item. Leases and answers to items that were never leased stop at the budget. An answer to an item
that was leased is always taken, so that a late one, or a second one, may go beyond it.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, select

from poolscore.errors import FailedPreconditionError
from poolscore.store.tables import item_leases, pools

_OPEN = select(func.count()).where(
    item_leases.c.pool_id == bindparam("pool"), item_leases.c.expire_time > bindparam("now")
)
_SPEND = pools.update().where(pools.c.pool_id == bindparam("pool")).values(spent=bindparam("spent"))


def left_to_lease(connection: Connection, pool: Row[Any], now: datetime) -> int | None:
    """Labels neither spent nor reserved by open leases, perhaps fewer than 0; None: no budget."""
    if not pool.budget:
        return None
    return pool.budget - pool.spent - open_leases(connection, pool.pool_id, now)


def room(connection: Connection, pool: Row[Any], size: int, now: datetime) -> int:
    """How many of `size` items may be leased: all without a budget, else what it leaves.

    Needs the pool's row held. Raises FailedPreconditionError BUDGET_SPENT when it leaves nothing.
    """
    left = left_to_lease(connection, pool, now)
    if left is None:
        return size
    if left > 0:
        return min(size, left)
    reserved = pool.budget - pool.spent - left
    raise FailedPreconditionError(
        f"the budget of pool '{pool.pool_id}', {pool.budget:,} labels, is used up: {pool.spent:,} "
        f"are spent and {reserved:,} leased; raise it with 'poolscore pool update {pool.pool_id} "
        "--budget N', or wait for leases to end",
        reason="BUDGET_SPENT",
        budget=str(pool.budget),
    )


def open_leases(connection: Connection, pool_id: str, now: datetime) -> int:
    """Items that are leased now."""
    return connection.scalar(_OPEN, {"pool": pool_id, "now": now}) or 0


def spend(connection: Connection, pool: Row[Any], labels: int) -> int:
    """Note the cost of new answers; negative for what a retraction gives back.

    Needs the pool's row held. Returns what is spent now.
    """
    spent = pool.spent + labels
    if labels:
        connection.execute(_SPEND, {"pool": pool.pool_id, "spent": spent})
    return spent


class Purse:
    """What the answers of one request cost, one after the other."""

    def __init__(
        self, connection: Connection, pool: Row[Any], items: Collection[str], now: datetime
    ) -> None:
        """Look up what is left and which of the items have a label reserved."""
        self.spent = 0
        self._left = left_to_lease(connection, pool, now)
        self._reserved: set[str] = set()
        if self._left is not None:
            leases = item_leases.c
            query = select(leases.item_id).where(
                leases.pool_id == pool.pool_id, leases.item_id.in_(items), leases.expire_time > now
            )
            self._reserved = set(connection.scalars(query))

    def pay(self, item: str, *, was_leased: bool) -> bool:
        """Pay for an annotator's first answer to an item; False: it is too much."""
        if self._left is not None:
            if item in self._reserved:
                self._reserved.remove(item)
            elif self._left <= 0 and not was_leased:
                return False
            else:
                self._left -= 1
        self.spent += 1
        return True
