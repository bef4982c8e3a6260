"""Items on which the annotators disagree."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, func, select

from poolscore.store import sql
from poolscore.store.annotator_answers import newest_in_force
from poolscore.store.answer_columns import ABSTAIN
from poolscore.store.catalog import Catalog
from poolscore.store.label_events import event_record
from poolscore.store.records import LabelEvent
from poolscore.store.tables import label_events

_LOOK = 1000


@dataclass(frozen=True)
class Conflict:
    """An item with answers in force that differ."""

    item_id: str
    answers: tuple[LabelEvent, ...]
    """The answer in force of every annotator, oldest first; abstentions are among them."""


def list_conflicts(
    catalog: Catalog, pool_id: str, page_size: int = 0, page_token: str = ""
) -> tuple[list[Conflict], str]:
    """Conflicts by item id, and the token of the next page, empty on the last one.

    Two labels, or sets of candidates, conflict when they are not the same; an abstention conflicts
    with nothing. Raises NotFoundError POOL_NOT_FOUND, InvalidInputError INVALID_PAGE_TOKEN.
    """
    limit, scope = sql.page_limit(page_size), ("conflicts", pool_id)
    after = sql.read_token(page_token, *scope)
    found: list[Conflict] = []
    with catalog.read() as connection:
        sql.pool_row(connection, pool_id)
        while len(found) <= limit:
            items = list(connection.scalars(_answered_by_several(pool_id, after)))
            found += _conflicts(connection, pool_id, items)
            if len(items) < _LOOK:
                break
            after = items[-1]
    page = found[:limit]
    return page, sql.write_token(page[-1].item_id, *scope) if len(found) > limit else ""


def _answered_by_several(pool_id: str, after: str) -> Select[Any]:
    """The next items with answers of several annotators, whether in force or not."""
    events = label_events.c
    return (
        select(events.item_id)
        .where(events.pool_id == pool_id, events.item_id > after)
        .group_by(events.item_id)
        .having(func.count(events.annotator.distinct()) > 1)
        .order_by(events.item_id)
        .limit(_LOOK)
    )


def _conflicts(connection: Connection, pool_id: str, items: Sequence[str]) -> list[Conflict]:
    in_force = newest_in_force(pool_id, label_events.c.item_id.in_(items))
    query = select(label_events).where(in_force).order_by(label_events.c.sequence)
    standing: dict[str, list[LabelEvent]] = {item: [] for item in items}
    said: dict[str, set[frozenset[str]]] = {item: set() for item in items}
    for row in connection.execute(query):
        standing[row.item_id].append(event_record(row))
        if row.kind != ABSTAIN:
            said[row.item_id].add(frozenset(row.labels))
    return [Conflict(item, tuple(standing[item])) for item in items if len(said[item]) > 1]
