"""What every annotator says of every item now, for learning from all of them together."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select

from poolscore.labels.answer import Answer
from poolscore.store import sql
from poolscore.store.answer_columns import RETRACT, read_answer
from poolscore.store.catalog import Catalog
from poolscore.store.label_events import event_record
from poolscore.store.records import LabelEvent
from poolscore.store.tables import label_events


@dataclass(frozen=True)
class AnnotatorAnswer:
    """The newest answer of one annotator to one item."""

    item_id: str
    annotator: str
    """Empty: nobody said who; all such answers count as those of one annotator."""
    answer: Answer
    sequence: int
    """Number of the label event."""


def newest_answers(catalog: Catalog, pool_id: str) -> tuple[list[AnnotatorAnswer], int]:
    """Newest answer of each (item, annotator), oldest first, and the watermark: the newest event.

    Only those in force, which were not taken back; abstentions are among them. Both are of the
    moment of the watermark, which is 0 for an empty log. Raises NotFoundError POOL_NOT_FOUND.
    """
    events = label_events.c
    watermark = select(func.max(events.sequence)).where(events.pool_id == pool_id)
    with catalog.read() as connection:
        sql.pool_row(connection, pool_id)
        mark = connection.scalar(watermark) or 0
        query = select(label_events).where(newest_in_force(pool_id))
        rows = connection.execute(query.order_by(events.sequence)).all()
    found = [AnnotatorAnswer(r.item_id, r.annotator, read_answer(r), r.sequence) for r in rows]
    return found, mark


def events_in_force(catalog: Catalog, pool_id: str) -> list[LabelEvent]:
    """The same as they were recorded, with the prediction that was made before.

    The last one of an item is its effective answer. Raises NotFoundError POOL_NOT_FOUND.
    """
    query = select(label_events).where(newest_in_force(pool_id))
    with catalog.read() as connection:
        sql.pool_row(connection, pool_id)
        rows = connection.execute(query.order_by(label_events.c.sequence)).all()
    return [event_record(row) for row in rows]


def newest_in_force(pool_id: str, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether an event is the newest of its item and annotator, and no retraction.

    The conditions choose the events that count.
    """
    events = label_events.c
    newest = (
        select(func.max(events.sequence))
        .where(events.pool_id == pool_id, *conditions)
        .group_by(events.item_id, events.annotator)
        .correlate(None)
    )
    return and_(events.pool_id == pool_id, events.sequence.in_(newest), events.kind != RETRACT)


def answers_in_force(pool_id: str, *conditions: ColumnElement[bool]) -> Select[Any, Any, Any]:
    """Rows of `effective_answers` as the label events have them: of every item the newest answer.

    The conditions, on items, choose the events that count.
    """
    events = label_events.c
    return (
        select(events.pool_id, events.item_id, func.max(events.sequence).label("sequence"))
        .where(newest_in_force(pool_id, *conditions))
        .group_by(events.pool_id, events.item_id)
    )


def answered_until(catalog: Catalog, pool_id: str, watermark: int) -> frozenset[str]:
    """Items with an event up to the watermark, whatever was said of them since.

    Raises NotFoundError POOL_NOT_FOUND.
    """
    events = label_events.c
    query = (
        select(events.item_id)
        .distinct()
        .where(events.pool_id == pool_id, events.sequence <= watermark)
    )
    with catalog.read() as connection:
        sql.pool_row(connection, pool_id)
        return frozenset(connection.scalars(query))
