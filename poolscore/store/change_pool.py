"""Changes to a pool: its fields, and whether it is there."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from poolscore.errors import (
    AbortedError,
    AlreadyExistsError,
    FailedPreconditionError,
    InvalidInputError,
)
from poolscore.store import pool_rules as rules
from poolscore.store import sql
from poolscore.store.annotator_answers import newest_in_force
from poolscore.store.audit import Action, Facts, write_event
from poolscore.store.catalog import Catalog
from poolscore.store.pools import read_pool
from poolscore.store.records import Pool, Run, RunKind, RunState, utcnow
from poolscore.store.runs import changed_columns, insert_run, newest_run
from poolscore.store.tables import label_events, runs


@dataclass(frozen=True)
class PoolChange:
    """New values; None leaves a field as it is."""

    display_name: str | None = None
    strategy: str | None = None
    """Empty: the default. Acts from the next ranking on."""
    train_after_labels: int | None = None
    budget: int | None = None
    """Labels; 0: no limit. One below what is spent stops leases, and takes nothing back."""
    classes: Sequence[str] | None = None


def update_pool(
    catalog: Catalog, pool_id: str, change: PoolChange, etag: str = ""
) -> tuple[Pool, Run | None]:
    """Change a pool; returns it, and the run that ranks an embedded one by its new classes.

    New classes are appended; one that an answer in force names stays. Labels may name a new class
    at once. Until the run has ended, leases and rankings keep the old classes in their predictions.

    Raises NotFoundError POOL_NOT_FOUND, POOL_DELETED; AbortedError ETAG_MISMATCH when `etag` is not
    that of the pool as it is; InvalidInputError with the reasons of `pool_rules`, or
    CLASSES_REORDERED; FailedPreconditionError CLASS_IN_USE.
    """
    values = _checked(change)
    with catalog.write() as connection:
        pool = sql.lock_pool(connection, pool_id)
        _check_etag(pool, etag)
        run = None
        if change.classes is not None and list(change.classes) != pool.classes:
            _check_new_classes(connection, pool, change.classes)
            run = _queue_ranking(connection, pool)
        _touch(connection, pool, Action.UPDATE_POOL, **values)
        return read_pool(connection, pool_id), run


def delete_pool(catalog: Catalog, pool_id: str, etag: str = "") -> Pool:
    """Hide a pool from everything but `show_deleted` and `undelete_pool`; nothing is lost.

    Its waiting runs wait until it is brought back, those that run are asked to stop. Raises
    NotFoundError POOL_NOT_FOUND, POOL_DELETED; AbortedError ETAG_MISMATCH.
    """
    with catalog.write() as connection:
        pool = sql.lock_pool(connection, pool_id)
        _check_etag(pool, etag)
        stopped = connection.scalars(
            runs.update()
            .where(
                runs.c.pool_id == pool_id,
                runs.c.state == RunState.RUNNING,
                ~runs.c.cancel_requested,
            )
            .values(cancel_requested=True, sequence=runs.c.sequence + 1)
            .returning(runs.c.number)
        ).all()
        facts = {"runs": changed_columns(connection, pool_id, stopped)} if stopped else {}
        _touch(connection, pool, Action.DELETE_POOL, facts, delete_time=utcnow())
        return read_pool(connection, pool_id)


def undelete_pool(catalog: Catalog, pool_id: str) -> Pool:
    """Bring a deleted pool back as it was.

    Raises NotFoundError POOL_NOT_FOUND; AlreadyExistsError POOL_NOT_DELETED.
    """
    with catalog.write() as connection:
        pool = sql.lock_pool(connection, pool_id, also_deleted=True)
        if pool.delete_time is None:
            raise AlreadyExistsError(
                f"pool '{pool_id}' is not deleted", reason="POOL_NOT_DELETED", pool=pool_id
            )
        _touch(connection, pool, Action.UNDELETE_POOL, delete_time=None)
        return read_pool(connection, pool_id)


def _touch(
    connection: Connection,
    pool: Row[Any],
    action: Action,
    facts: Facts | None = None,
    **values: Any,
) -> None:
    now = utcnow()
    changed = sql.touch_pool(connection, pool, now, **values)
    facts = {**(facts or {}), "pools": [changed]}
    write_event(connection, pool.pool_id, action, f"pools/{pool.pool_id}", facts, now=now)


def _checked(change: PoolChange) -> dict[str, Any]:
    """Values of the columns that change."""
    if change.strategy:
        rules.check_strategy(change.strategy)
    if change.train_after_labels is not None:
        rules.check_train_after(change.train_after_labels)
    if change.budget is not None:
        rules.check_budget(change.budget)
    if change.classes is not None:
        rules.check_classes(change.classes)
    values = {name: value for name, value in vars(change).items() if value is not None}
    if change.strategy == "":
        values["strategy"] = rules.DEFAULT_STRATEGY
    if change.classes is not None:
        values["classes"] = list(change.classes)
    return values


def _check_etag(pool: Row[Any], etag: str) -> None:
    if etag and etag != str(pool.revision):
        raise AbortedError(
            f"pool '{pool.pool_id}' has changed since it was read: its etag is "
            f"'{pool.revision}', not '{etag}'; read it again and repeat the change",
            reason="ETAG_MISMATCH",
            etag=str(pool.revision),
        )


def _check_new_classes(connection: Connection, pool: Row[Any], classes: Sequence[str]) -> None:
    kept = [name for name in pool.classes if name in set(classes)]
    if list(classes[: len(kept)]) != kept:
        raise InvalidInputError(
            "classes that stay must keep their order and come first, new ones after them",
            reason="CLASSES_REORDERED",
        )
    removed = set(pool.classes) - set(kept)
    if not removed:
        return
    in_use = select(label_events.c.labels).where(newest_in_force(pool.pool_id))
    answers = sum(not removed.isdisjoint(labels) for labels in connection.scalars(in_use))
    if answers:
        named = ", ".join(f"'{name}'" for name in pool.classes if name in removed)
        raise FailedPreconditionError(
            f"{answers:,} answers in force name a class that would be removed ({named}); correct "
            "or retract them first",
            reason="CLASS_IN_USE",
            answers=str(answers),
        )


def _queue_ranking(connection: Connection, pool: Row[Any]) -> Run | None:
    """The waiting run that will make zero-shot prompts for the new classes and rank by them."""
    if pool.active_snapshot is None:
        return None
    waiting = newest_run(connection, pool.pool_id, RunKind.RESCORE, {})
    if waiting is not None and waiting.state is RunState.PENDING:
        return waiting
    return insert_run(connection, pool.pool_id, RunKind.RESCORE, {}, uuid.uuid4().hex)
