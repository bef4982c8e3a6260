"""Which rows of a ranking a lease would take now: neither leased nor answered."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, select, union_all

from poolscore.errors import InvalidInputError
from poolscore.store.lease_positions import Focus
from poolscore.store.ranking_file import RankedRows
from poolscore.store.tables import effective_answers, item_leases

MAX_SIZE = 1000
_MAX_LOOK = 4096

_TAKEN = union_all(
    select(item_leases.c.item_id).where(
        item_leases.c.pool_id == bindparam("pool"),
        item_leases.c.item_id.in_(bindparam("ids", expanding=True)),
        item_leases.c.expire_time > bindparam("now"),
    ),
    select(effective_answers.c.item_id).where(
        effective_answers.c.pool_id == bindparam("pool"),
        effective_answers.c.item_id.in_(bindparam("ids", expanding=True)),
    ),
)


def free_ranks(
    connection: Connection,
    pool_id: str,
    rows: RankedRows,
    start: int,
    size: int,
    focus: Focus,
    now: datetime,
) -> list[int]:
    """The first `size` ranks from `start` on that are free at `now` and that the focus lets
    through; fewer at the end of the ranking."""
    candidates = rows.ranks_from(start, focus)
    ranks, seen, look = list[int](), 0, max(2 * size, 64)
    while len(ranks) < size and seen < len(candidates):
        part = candidates[seen : seen + look]
        ids = rows.ids_at(part)
        taken = set(connection.scalars(_TAKEN, {"pool": pool_id, "ids": ids, "now": now}))
        free = zip(part, ids, strict=True)
        ranks += [rank for rank, item_id in free if item_id not in taken]
        seen += len(part)
        look = min(2 * look, _MAX_LOOK)
    return ranks[:size]


def focus_of(wanted: Sequence[str], classes: Sequence[str]) -> Focus:
    """Indices of the class names `wanted` among those of the prompt version, `classes`.

    Raises InvalidInputError UNKNOWN_CLASS.
    """
    for name in wanted:
        if name not in classes:
            raise InvalidInputError(
                f"'{name}' is not a class that this ranking predicts; name some of its "
                f"{len(classes)} classes in `classes`, or none for all",
                reason="UNKNOWN_CLASS",
                field="classes",
            )
    return frozenset(classes.index(name) for name in wanted)


def check_size(size: int) -> None:
    """Raise InvalidInputError INVALID_SIZE for a batch that cannot be leased."""
    if not 1 <= size <= MAX_SIZE:
        raise InvalidInputError(
            f"a batch of {size} items cannot be leased; ask for 1 to {MAX_SIZE}",
            reason="INVALID_SIZE",
        )
