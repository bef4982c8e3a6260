"""The answers in force for some items: of every annotator the newest, unless it was taken back.

The newest of them all is the effective answer of the item.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from poolscore.labels.answer import Answer
from poolscore.store.answer_columns import RETRACT, read_answer
from poolscore.store.label_rules import Accepted
from poolscore.store.tables import label_events

_EVENTS = select(label_events).where(
    label_events.c.pool_id == bindparam("pool"),
    label_events.c.item_id.in_(bindparam("items", expanding=True)),
)


@dataclass(frozen=True)
class InForce:
    """What an event says, as long as it is in force."""

    sequence: int
    answer: Answer
    annotator: str
    batch: int | None

    def repeated_by(self, new: Accepted) -> bool:
        """Whether the annotator's new answer to this item says the same; one without a batch may
        mean any."""
        return new.answer.answer == self.answer and new.answer.batch in (None, self.batch)


Standing = dict[tuple[str, str], InForce]
"""Answers in force by item and annotator."""


def standing_answers(connection: Connection, pool_id: str, items: Collection[str]) -> Standing:
    """The answers in force for the items."""
    return _standing(connection.execute(_EVENTS, {"pool": pool_id, "items": list(items)}))


_SINCE = select(label_events).where(
    label_events.c.pool_id == bindparam("pool"),
    label_events.c.item_id.in_(
        select(label_events.c.item_id).where(
            label_events.c.pool_id == bindparam("pool"),
            label_events.c.sequence > bindparam("sequence"),
        )
    ),
)


def standing_since(
    connection: Connection, pool_id: str, sequence: int
) -> tuple[Standing, Standing]:
    """What was in force after an event, and what is now, of the items that later ones are about."""
    found = connection.execute(_SINCE, {"pool": pool_id, "sequence": sequence}).all()
    return _standing(row for row in found if row.sequence <= sequence), _standing(found)


def _standing(events: Iterable[Row[Any]]) -> Standing:
    newest: dict[tuple[str, str], Row[Any]] = {}
    # Not ordered by the query: for the order SQLite would read the whole log of the pool.
    for row in sorted(events, key=lambda row: row.sequence):
        newest[row.item_id, row.annotator] = row
    return {
        key: InForce(row.sequence, read_answer(row), row.annotator, row.batch)
        for key, row in newest.items()
        if row.kind != RETRACT
    }


def effective(standing: Mapping[tuple[str, str], InForce]) -> dict[str, InForce]:
    """The effective answer of every item that has one."""
    found: dict[str, InForce] = {}
    for (item, _), each in standing.items():
        if item not in found or found[item].sequence < each.sequence:
            found[item] = each
    return found
