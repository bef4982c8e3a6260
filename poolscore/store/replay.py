"""The audit trail, played again: it makes the same state in an empty catalog.

The trail is the events together with the tables whose rows never change, which the events name. The
columns that may change are from the events alone, and the leases of items and the answers in force
follow from both. So a change that went past the trail shows when the catalogs are compared.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, FromClause, Table, and_, exists, select
from sqlalchemy.exc import SQLAlchemyError

from poolscore.errors import FailedPreconditionError
from poolscore.store.annotator_answers import answers_in_force
from poolscore.store.audit import CHANGING, NO_POOL, Action
from poolscore.store.column_types import UtcDateTime
from poolscore.store.records import AuditEvent
from poolscore.store.tables import (
    aside_rankings,
    audit_events,
    batch_items,
    batches,
    effective_answers,
    item_leases,
    label_events,
    lease_choices,
    metadata,
    rankings,
)

_WITH = {
    batches: ((batch_items, "batch"), (lease_choices, "batch")),
    rankings: ((aside_rankings, "number"),),
}
"""Rows that come with another one, unnamed: their table, and the column that has its number."""

_ROWS = 1000
_TABLES = {table.name: table for table in metadata.sorted_tables}


def replay(source: Connection, target: Connection) -> int:
    """Make the changes of a catalog's trail again; returns the number of events.

    `source` reads one moment of the catalog, `target` writes to an empty one. Raises
    FailedPreconditionError TRAIL_BROKEN naming the event that cannot be repeated.
    """
    query = select(audit_events).order_by(audit_events.c.pool_id, audit_events.c.sequence)
    rows = source.execute(query.execution_options(yield_per=_ROWS)).mappings()
    before, count = ("", 0), 0
    for event in (AuditEvent(**row) for row in rows):
        expected = before[1] + 1 if event.pool_id == before[0] else 1
        if event.sequence != expected:
            raise broken(event, f"event {expected} is missing before it")
        before = event.pool_id, event.sequence
        try:
            _Step(source, target, event).play()
        except (KeyError, TypeError, ValueError, SQLAlchemyError) as error:
            raise broken(event, str(error)) from error
        target.execute(audit_events.insert(), vars(event))
        count += 1
    return count


def broken(event: AuditEvent, why: str) -> FailedPreconditionError:
    """The error of an event that cannot be repeated."""
    trail = "the tokens" if event.pool_id == NO_POOL else f"pool '{event.pool_id}'"
    return FailedPreconditionError(
        f"audit event {event.sequence} of {trail}, {event.action} of {event.resource}, cannot be "
        f"repeated: {why}",
        reason="TRAIL_BROKEN",
        pool=event.pool_id,
        event=str(event.sequence),
    )


class _Step:
    """One event, made again."""

    def __init__(self, source: Connection, target: Connection, event: AuditEvent) -> None:
        self._source, self._target, self._event = source, target, event

    def play(self) -> None:
        unknown = sorted(self._event.facts.keys() - _TABLES.keys())
        if unknown:
            raise broken(self._event, f"there is no table '{unknown[0]}'")
        for name, table in _TABLES.items():
            for fact in self._event.facts.get(name, ()):
                if table in CHANGING:
                    self._put(table, fact)
                elif table is item_leases:
                    self._insert(table, [self._read(table, fact)])
                else:
                    self._bring(table, fact)
        self._follow()

    def _put(self, table: Table, fact: Mapping[str, Any]) -> None:
        """Change a row, or make it with the fixed columns that it has in the source."""
        values = self._read(table, fact)
        key = {column.name: values.pop(column.name) for column in table.primary_key}
        here = and_(*(table.c[name] == value for name, value in key.items()))
        if self._target.execute(select(*table.primary_key).where(here)).first() is not None:
            self._target.execute(table.update().where(here).values(**values))
            return
        fixed = [column for column in table.c if column.name not in CHANGING[table]]
        row = self._source.execute(select(*fixed).where(here)).mappings().one_or_none()
        if row is None:
            raise broken(self._event, f"{table.name} has no row {key}")
        self._insert(table, [{**row, **values}])
        self._bring_with(table, fact)
        if table is batches and self._event.action == Action.LEASE_BATCH:
            self._lease(key["number"], values["expire_time"])

    def _bring(self, table: Table, fact: Mapping[str, Any]) -> None:
        """Copy rows that never change."""
        if not self._copy(table, self._named(table, fact)):
            raise broken(self._event, f"{table.name} has none of the rows {dict(fact)}")
        self._bring_with(table, fact)

    def _bring_with(self, table: Table, fact: Mapping[str, Any]) -> None:
        for child, column in _WITH.get(table, ()):
            self._copy(child, self._named(child, {column: fact["number"]}))

    def _copy(self, table: Table, chosen: ColumnElement[bool]) -> int:
        query = select(table).where(chosen).execution_options(yield_per=_ROWS)
        copied = 0
        for part in self._source.execute(query).mappings().partitions():
            self._insert(table, [dict(row) for row in part])
            copied += len(part)
        return copied

    def _lease(self, batch: int, expire_time: datetime) -> None:
        """Hold the items of a new batch; the source of truth for "never twice"."""
        pool_id, items = self._event.pool_id, batch_items.c
        mine = (items.pool_id == pool_id) & (items.batch == batch)
        for state, table in (("leased", item_leases), ("answered", effective_answers)):
            here = (table.c.pool_id == items.pool_id) & (table.c.item_id == items.item_id)
            taken = self._target.scalar(select(items.item_id).where(mine, exists().where(here)))
            if taken is not None:
                raise broken(self._event, f"item '{taken}' was {state} already")
        ids = self._target.scalars(select(items.item_id).where(mine))
        key = {"pool_id": pool_id, "batch": batch, "expire_time": expire_time}
        self._insert(item_leases, [key | {"item_id": item} for item in ids])

    def _insert(self, table: Table, rows: list[dict[str, Any]]) -> None:
        if rows:
            self._target.execute(table.insert(), rows)

    def _read(self, table: Table, fact: Mapping[str, Any]) -> dict[str, Any]:
        """Columns of a fact, with the pool's id where the table has one."""
        values = {name: _value(table.c[name], value) for name, value in fact.items()}
        return values | ({"pool_id": self._event.pool_id} if "pool_id" in table.c else {})

    def _named(self, table: FromClause, fact: Mapping[str, Any]) -> ColumnElement[bool]:
        """Which rows a fact names: by values, or from a first to a last one."""
        conditions = [table.c.pool_id == self._event.pool_id]
        for name, value in fact.items():
            column = table.c[name]
            conditions.append(
                column.between(*value) if isinstance(value, list) else column == value
            )
        return and_(*conditions)

    def _follow(self) -> None:
        """Make what the event does not say because it follows."""
        facts, pool_id, lease = self._event.facts, self._event.pool_id, item_leases.c
        for fact in facts.get("batches", ()):
            mine = (lease.pool_id == pool_id) & (lease.batch == fact["number"])
            if self._event.action == Action.EXTEND_BATCH:
                until = _value(batches.c.expire_time, fact["expire_time"])
                self._target.execute(item_leases.update().where(mine).values(expire_time=until))
            elif self._event.action == Action.RELEASE_BATCH:
                self._target.execute(item_leases.delete().where(mine))
        if self._event.action == Action.EXPIRE_LEASES:
            over = lease.expire_time <= self._event.create_time
            self._target.execute(item_leases.delete().where(lease.pool_id == pool_id, over))
        for fact in facts.get("label_events", ()):
            self._answer(fact)

    def _answer(self, fact: Mapping[str, Any]) -> None:
        """Put the newest answers to the items of new label events in force, and end leases."""
        pool_id, new = self._event.pool_id, label_events.alias("new")
        items = select(new.c.item_id).where(self._named(new, fact))
        answer, lease = effective_answers.c, item_leases.c
        mine = (answer.pool_id == pool_id) & answer.item_id.in_(items)
        self._target.execute(effective_answers.delete().where(mine))
        newest = answers_in_force(pool_id, label_events.c.item_id.in_(items))
        names = [column.name for column in effective_answers.c]
        self._target.execute(effective_answers.insert().from_select(names, newest))
        if self._event.action == Action.RECORD_LABELS:
            held = (lease.pool_id == pool_id) & lease.item_id.in_(items)
            self._target.execute(item_leases.delete().where(held))


def _value(column: Column[Any], value: Any) -> Any:
    """What JSON has of a column's value, as the column has it."""
    if isinstance(column.type, UtcDateTime) and isinstance(value, str):
        return datetime.fromisoformat(value)
    return value
