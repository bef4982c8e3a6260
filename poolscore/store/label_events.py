"""Label events, read: the log, and the effective answer of every item (its newest event)."""

from typing import Any, NamedTuple

from sqlalchemy import Row, and_, func, select

from poolscore.labels.answer import Answer
from poolscore.store import sql
from poolscore.store.answer_columns import ABSTAIN, read_answer
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


def events_since(catalog: Catalog, pool_id: str, watermark: int) -> int:
    """Number of events after the watermark that can be learned from, so without abstentions."""
    query = select(func.count()).where(
        label_events.c.pool_id == pool_id,
        label_events.c.sequence > watermark,
        label_events.c.kind != ABSTAIN,
    )
    with catalog.read() as connection:
        sql.pool_row(connection, pool_id)
        return connection.scalar(query) or 0


def list_label_events(
    catalog: Catalog, pool_id: str, page_size: int = 0, page_token: str = ""
) -> tuple[list[LabelEvent], str]:
    """Events as they were recorded, and the token of the next page, empty on the last one."""
    limit, after = sql.page_limit(page_size), sql.read_number_token(page_token) or 0
    query = (
        select(label_events)
        .where(label_events.c.pool_id == pool_id, label_events.c.sequence > after)
        .order_by(label_events.c.sequence)
        .limit(limit + 1)
    )
    with catalog.read() as connection:
        sql.pool_row(connection, pool_id)
        rows = connection.execute(query).all()
    found = [_event(row) for row in rows[:limit]]
    return found, sql.write_token(found[-1].sequence) if len(rows) > limit else ""


def _event(row: Row[Any]) -> LabelEvent:
    return LabelEvent(
        pool_id=row.pool_id,
        sequence=row.sequence,
        item_id=row.item_id,
        answer=read_answer(row),
        annotator=row.annotator,
        batch=row.batch,
        create_time=row.create_time,
        prediction=None if row.predicted is None else prediction_of(row),
        prompt_version=row.prompt_version,
    )
