"""Label events, read: the log, and the effective answer of every item.

That is the newest answer to it that was not taken back.
"""

from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, and_, func, select

from poolscore.labels.answer import Answer
from poolscore.store import sql
from poolscore.store.answer_columns import ABSTAIN, RETRACT, read_answer
from poolscore.store.batches import prediction_of
from poolscore.store.catalog import Catalog
from poolscore.store.records import LabelEvent
from poolscore.store.tables import effective_answers, label_events


class EffectiveLabel(NamedTuple):
    """The answer in force for one item."""

    item_id: str
    answer: Answer
    sequence: int
    """Number of the label event."""


def effective_labels(catalog: Catalog, pool_id: str) -> tuple[list[EffectiveLabel], int]:
    """Answers in force in the order they were given, and the watermark: the newest event's number.

    Abstentions are among them. Both are of one moment; the watermark of an empty log is 0.
    """
    events, answers = label_events.c, effective_answers.c
    query = (
        select(events.item_id, events.kind, events.labels, events.abstain_reason, events.sequence)
        .join_from(
            effective_answers,
            label_events,
            and_(answers.pool_id == events.pool_id, answers.sequence == events.sequence),
        )
        .where(answers.pool_id == pool_id)
        .order_by(events.sequence)
    )
    newest = select(func.max(events.sequence)).where(events.pool_id == pool_id)
    with catalog.read() as connection:
        sql.pool_row(connection, pool_id)
        rows = connection.execute(query).all()
        watermark = connection.scalar(newest) or 0
    return [EffectiveLabel(row.item_id, read_answer(row), row.sequence) for row in rows], watermark


def events_since(connection: Connection, pool_id: str, watermark: int) -> int:
    """Number of answers after the watermark that can be learned from, inside a transaction.

    So without abstentions and without what was taken back.
    """
    events = label_events.c
    new = and_(events.pool_id == pool_id, events.sequence > watermark)
    # Joined, not asked for every answer: SQLite would read all that follow it each time.
    retracted = (
        select(events.item_id, events.annotator, func.max(events.sequence).label("sequence"))
        .where(new, events.kind == RETRACT)
        .group_by(events.item_id, events.annotator)
        .subquery()
    )
    same = and_(retracted.c.item_id == events.item_id, retracted.c.annotator == events.annotator)
    query = (
        select(func.count())
        .select_from(label_events)
        .outerjoin(retracted, and_(same, retracted.c.sequence > events.sequence))
        .where(new, events.kind.not_in([ABSTAIN, RETRACT]), retracted.c.sequence.is_(None))
    )
    return connection.scalar(query) or 0


def newest_event(catalog: Catalog, pool_id: str) -> int:
    """Sequence number of the newest event; 0 for an empty log."""
    query = select(func.max(label_events.c.sequence)).where(label_events.c.pool_id == pool_id)
    with catalog.read() as connection:
        return connection.scalar(query) or 0


def list_label_events(
    catalog: Catalog,
    pool_id: str,
    page_size: int = 0,
    page_token: str = "",
    *,
    item_id: str = "",
    annotator: str = "",
) -> tuple[list[LabelEvent], str]:
    """Events as they were recorded, and the token of the next page, empty on the last one.

    Only those of an item or an annotator when one is given.
    """
    limit, scope = sql.page_limit(page_size), ("label events", pool_id, item_id, annotator)
    after = sql.read_number_token(page_token, *scope) or 0
    query = (
        select(label_events)
        .where(label_events.c.pool_id == pool_id, label_events.c.sequence > after)
        .order_by(label_events.c.sequence)
        .limit(limit + 1)
    )
    if item_id:
        query = query.where(label_events.c.item_id == item_id)
    if annotator:
        query = query.where(label_events.c.annotator == annotator)
    with catalog.read() as connection:
        sql.pool_row(connection, pool_id)
        rows = connection.execute(query).all()
    found = [event_record(row) for row in rows[:limit]]
    return found, sql.write_token(found[-1].sequence, *scope) if len(rows) > limit else ""


def read_event(connection: Connection, pool_id: str, sequence: int) -> LabelEvent:
    """An event that is known to exist, inside a transaction."""
    query = select(label_events).where(
        label_events.c.pool_id == pool_id, label_events.c.sequence == sequence
    )
    return event_record(connection.execute(query).one())


def event_record(row: Row[Any]) -> LabelEvent:
    """The record of a row of the label events table."""
    return LabelEvent(
        pool_id=row.pool_id,
        sequence=row.sequence,
        item_id=row.item_id,
        answer=None if row.kind == RETRACT else read_answer(row),
        annotator=row.annotator,
        batch=row.batch,
        create_time=row.create_time,
        prediction=None if row.predicted is None else prediction_of(row),
        prompt_version=row.prompt_version,
        retracts=row.retracts,
    )
