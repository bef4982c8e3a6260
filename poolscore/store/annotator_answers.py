"""What every annotator says of every item now, for learning from all of them together."""

from dataclasses import dataclass

from sqlalchemy import and_, func, select

from poolscore.labels.answer import Answer
from poolscore.store import sql
from poolscore.store.answer_columns import read_answer
from poolscore.store.catalog import Catalog
from poolscore.store.tables import effective_answers, label_events


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

    Only of items with an answer in force; abstentions are among them. Both are of the moment of the
    watermark, which is 0 for an empty log. Raises NotFoundError POOL_NOT_FOUND.
    """
    events, in_force = label_events.c, effective_answers.c
    watermark = select(func.max(events.sequence)).where(events.pool_id == pool_id)
    with catalog.read() as connection:
        sql.pool_row(connection, pool_id)
        mark = connection.scalar(watermark) or 0
        newest = (
            select(func.max(events.sequence))
            .join_from(
                label_events,
                effective_answers,
                and_(in_force.pool_id == events.pool_id, in_force.item_id == events.item_id),
            )
            # Events are numbered in the order they are committed, so this bound makes one moment
            # of both queries where the database gives each a view of its own (PostgreSQL).
            .where(events.pool_id == pool_id, events.sequence <= mark)
            .group_by(events.item_id, events.annotator)
        )
        query = (
            select(label_events)
            .where(events.pool_id == pool_id, events.sequence.in_(newest))
            .order_by(events.sequence)
        )
        rows = connection.execute(query).all()
    found = [AnnotatorAnswer(r.item_id, r.annotator, read_answer(r), r.sequence) for r in rows]
    return found, mark


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
