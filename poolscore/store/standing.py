"""How an item stands now: whether it can be leased, and whether the next lease would take it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select

from poolscore.store import sql
from poolscore.store.budget import left_to_lease
from poolscore.store.catalog import Catalog
from poolscore.store.free_ranks import check_size, free_ranks
from poolscore.store.ranking_file import LoadedRanking
from poolscore.store.tables import effective_answers, item_leases


class ItemState(StrEnum):
    """Whether an item can be leased."""

    OPEN = "OPEN"
    LEASED = "LEASED"
    ANSWERED = "ANSWERED"


@dataclass(frozen=True)
class Standing:
    """One item beside the lease that would come next."""

    state: ItemState
    batch: int | None
    """That holds it."""
    label_event: int | None
    """In force."""
    rank: int | None
    """In the ranking, from 0; None: it has no place there."""
    size: int
    """Items that the lease would ask for."""
    next_ranks: tuple[int, ...]
    """Ranks that it would get, ascending; fewer than `size` at the end of the ranking, or when the
    budget leaves fewer."""
    budget_left: int | None
    """Labels that the budget leaves to lease; None: there is no limit."""

    @property
    def allowed(self) -> int:
        """Items that the lease may take."""
        return self.size if self.budget_left is None else min(self.size, self.budget_left)

    @property
    def beats_the_cut(self) -> bool:
        """Whether the lease would take the item."""
        return self.rank is not None and self.rank in self.next_ranks

    @property
    def why(self) -> str:
        """The same in words."""
        if self.beats_the_cut:
            place = self.next_ranks.index(self.rank or 0) + 1
            taken = f"number {place} of the {len(self.next_ranks)} items that a lease would take"
            return taken + self._limit
        if self.state is ItemState.ANSWERED:
            return "it is answered, and never leased again"
        if self.rank is None:
            return "it has no place in this ranking"
        if self.state is ItemState.LEASED:
            return "it is leased already"
        if not self.allowed:
            return "a lease would take nothing: the budget is spent or reserved by leases"
        return (
            f"the {self.allowed} items of a lease all stand before it: the last of them has rank "
            f"{self.next_ranks[-1]}, this one {self.rank}{self._limit}"
        )

    @property
    def _limit(self) -> str:
        if self.allowed == self.size:
            return ""
        return f"; of {self.size} asked for, the budget leaves {self.allowed}"


def item_standing(
    catalog: Catalog,
    ranking: LoadedRanking,
    item_id: str,
    size: int,
    now: datetime | None = None,
) -> Standing:
    """The standing of an item of the ranking's pool, all of one moment.

    Raises InvalidInputError INVALID_SIZE, NotFoundError POOL_NOT_FOUND.
    """
    check_size(size)
    pool_id = ranking.record.pool_id
    lease, answer = item_leases.c, effective_answers.c
    answered = select(answer.sequence).where(answer.pool_id == pool_id, answer.item_id == item_id)
    with catalog.read() as connection:
        pool = sql.pool_row(connection, pool_id)
        now = now or sql.clock(connection)
        held = select(lease.batch).where(
            lease.pool_id == pool_id, lease.item_id == item_id, lease.expire_time > now
        )
        batch, event = connection.scalar(held), connection.scalar(answered)
        left = left_to_lease(connection, pool, now)
        ranks = free_ranks(connection, pool_id, ranking, 0, size, frozenset(), now)
    state = ItemState.ANSWERED if event else ItemState.LEASED if batch else ItemState.OPEN
    left = None if left is None else max(left, 0)
    taken = tuple(ranks[:left])
    return Standing(state, batch, event, ranking.rank_of(item_id), size, taken, left)
