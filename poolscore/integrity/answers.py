"""Answers in force, acknowledged requests and the budget of a pool beside its label events."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Row, Select, SelectBase, and_, except_, func, or_, select

from poolscore.integrity.finding import Finding, Rule
from poolscore.integrity.provenance import RESTORE
from poolscore.store.annotator_answers import answers_in_force, newest_in_force
from poolscore.store.answer_columns import RETRACT
from poolscore.store.tables import effective_answers, label_events, label_requests

_ROWS = 1000


def check_answers(connection: Connection, pool: Row[Any]) -> Iterator[Finding]:
    """What does not follow from the label events."""
    yield from _in_force(connection, pool.pool_id)
    yield from _retractions(connection, pool.pool_id)
    yield from _requests(connection, pool.pool_id)
    yield from _spent(connection, pool)


def _in_force(connection: Connection, pool_id: str) -> Iterator[Finding]:
    stored = select(*effective_answers.c).where(effective_answers.c.pool_id == pool_id)
    counted = answers_in_force(pool_id)
    for words, one, other in (
        ("is in force, and does not follow from the label events", stored, counted),
        ("follows from the label events, and is not in force", counted, stored),
    ):
        for row in connection.execute(_without(one, other)):
            where = f"pools/{pool_id}/labelEvents/{row.sequence}"
            what = f"for item '{row.item_id}' this event {words}"
            yield Finding(Rule.LABELS, where, what, RESTORE)


def _without(one: SelectBase, other: SelectBase) -> Select[*tuple[Any, ...]]:
    rows = except_(one, other).subquery()
    return select(rows).order_by(rows.c.item_id)


def _retractions(connection: Connection, pool_id: str) -> Iterator[Finding]:
    events, before = label_events.c, label_events.alias("before").c
    query = (
        select(events.sequence, events.retracts)
        .outerjoin_from(
            label_events,
            before.sequence.table,
            and_(before.pool_id == events.pool_id, before.sequence == events.retracts),
        )
        .where(
            events.pool_id == pool_id,
            events.kind == RETRACT,
            or_(
                before.sequence.is_(None),
                before.sequence >= events.sequence,
                before.item_id != events.item_id,
                before.annotator != events.annotator,
            ),
        )
    )
    for row in connection.execute(query.order_by(events.sequence)):
        where = f"pools/{pool_id}/labelEvents/{row.sequence}"
        what = f"it takes back event {row.retracts}, which is no earlier answer of its annotator"
        yield Finding(Rule.LABELS, where, what, RESTORE)


def _requests(connection: Connection, pool_id: str) -> Iterator[Finding]:
    """Acknowledged answers without their event; events are numbered without gaps."""
    newest = select(func.max(label_events.c.sequence)).where(label_events.c.pool_id == pool_id)
    last = connection.scalar(newest) or 0
    query = select(label_requests.c.request_id, label_requests.c.results).where(
        label_requests.c.pool_id == pool_id
    )
    for row in connection.execute(query.execution_options(yield_per=_ROWS)):
        lost = [event for event, *_ in row.results if event is not None and not 1 <= event <= last]
        if lost:
            where = f"pools/{pool_id}"
            what = (
                f"request '{row.request_id}' was told of label event {lost[0]}, which is not there"
            )
            yield Finding(Rule.LABELS, where, what, RESTORE)


def _spent(connection: Connection, pool: Row[Any]) -> Iterator[Finding]:
    count = select(func.count()).select_from(label_events)
    spent = connection.scalar(count.where(newest_in_force(pool.pool_id))) or 0
    if spent != pool.spent:
        what = f"{pool.spent:,} labels are noted as spent; the answers in force cost {spent:,}"
        yield Finding(Rule.BUDGET, f"pools/{pool.pool_id}", what, RESTORE)
