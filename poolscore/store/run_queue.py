"""The runs table as a work queue: workers claim a run, keep it alive and finish it."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, not_, or_, select

from poolscore.errors import AbortedError, FailedPreconditionError
from poolscore.store import sql
from poolscore.store.audit import Action
from poolscore.store.catalog import Catalog
from poolscore.store.owners import is_gone
from poolscore.store.records import Run, RunKind, RunProgress, RunState, StageSeconds
from poolscore.store.runs import (
    change_run,
    insert_run,
    newest_run,
    plain_spec,
    read_run,
    reopen_run,
    run_record,
    update_run,
)
from poolscore.store.tables import pools, runs

STALE_AFTER_S = 60.0
"""Silence after which the run of a worker on another machine counts as abandoned."""


def claim_run(
    catalog: Catalog, kinds: Collection[RunKind], owner: str, stale_after_s: float = STALE_AFTER_S
) -> Run | None:
    """Take the oldest run that waits, or whose worker is gone.

    A pool does one run of a kind at a time; the others wait. A worker is gone when its last
    heartbeat is older than `stale_after_s`, when its name is that of a process of this machine that
    has ended (`owners`), or when it has the name of the worker that asks: one worker does one run
    at a time, so it must have been restarted.
    A run whose cancellation nobody lives to carry out is closed as cancelled here.
    """
    while True:
        with catalog.read() as connection:  # an idle worker that polls must not take the write lock
            now = sql.clock(connection)
            abandoned = _abandoned(connection, kinds, owner, now - timedelta(seconds=stale_after_s))
            free = _free(kinds, abandoned)
            if connection.execute(select(runs.c.number).where(free).limit(1)).first() is None:
                return None
        with catalog.write() as connection:
            run = _hold_oldest(connection, free)
            if run is not None and not run.cancel_requested:
                return _take(connection, run, owner, now)
            if run is not None:
                _close(connection, run, now)


def begin_run(
    catalog: Catalog,
    pool_id: str,
    kind: RunKind,
    spec: Mapping[str, Any],
    owner: str,
    stale_after_s: float = STALE_AFTER_S,
) -> Run:
    """Take the newest run of this kind and spec unless it has succeeded, or a new one.

    It may wait, have failed or been cancelled, or belong to a worker that is gone (`claim_run`); it
    keeps its number and so whatever it has committed. Raises NotFoundError POOL_NOT_FOUND,
    FailedPreconditionError RUN_IN_PROGRESS when a living worker does a run of this kind.
    """
    wanted = plain_spec(spec)
    with catalog.write() as connection:
        sql.lock_pool(connection, pool_id)
        now = sql.clock(connection)
        abandoned = _abandoned(connection, [kind], owner, now - timedelta(seconds=stale_after_s))
        busy = _running(connection, pool_id, kind, abandoned)
        if busy is not None:
            raise FailedPreconditionError(
                f"{busy.name} is doing this in pool '{pool_id}' already, under {busy.owner}; wait "
                "for it, or stop it there",
                reason="RUN_IN_PROGRESS",
                run=busy.name,
            )
        run = newest_run(connection, pool_id, kind, wanted)
        if run is None or run.state is RunState.SUCCEEDED:
            run = insert_run(connection, pool_id, kind, wanted, uuid.uuid4().hex)
        else:
            run = reopen_run(connection, run)
        return _take(connection, run, owner, now)


def heartbeat(
    catalog: Catalog,
    run: Run,
    owner: str,
    progress: RunProgress | None = None,
) -> bool:
    """Say that the worker lives; False: the run was cancelled or taken over, the worker must stop.

    The run's sequence grows when the progress differs from what is stored.
    """
    with catalog.write() as connection:
        sql.lock_pool(connection, run.pool_id, also_deleted=True)
        stored = read_run(connection, run.pool_id, run.number)
        if not _holds(stored, owner) or stored.cancel_requested:
            return False
        changed = _changes(stored, progress)
        update_run(connection, run, heartbeat_time=sql.clock(connection), **changed)
        return True


def finish_run(
    catalog: Catalog,
    run: Run,
    owner: str,
    state: RunState,
    error: str = "",
    *,
    snapshot: int | None = None,
    prompt_version: int | None = None,
    ranking: int | None = None,
    progress: RunProgress | None = None,
    stages: Sequence[StageSeconds] = (),
) -> Run:
    """End the run; what it had noted to have made before, and is not given here, stays.

    Raises AbortedError RUN_LOST when another worker has it meanwhile.
    """
    if not state.ended:
        raise ValueError(f"{state} does not end a run")
    with catalog.write() as connection:
        sql.lock_pool(connection, run.pool_id, also_deleted=True)
        stored = read_run(connection, run.pool_id, run.number)
        if not _holds(stored, owner):
            raise AbortedError(
                f"{run.name} is no longer held by '{owner}': it is {stored.state} under "
                f"'{stored.owner}'",
                reason="RUN_LOST",
            )
        values = _changes(stored, progress, stages) | {
            "state": state,
            "error": error.replace("\0", "\\0"),  # what a library says may hold anything
            "end_time": sql.clock(connection),
            "sequence": stored.sequence + 1,
        }
        made = {"snapshot": snapshot, "prompt_version": prompt_version, "ranking": ranking}
        values |= {name: number for name, number in made.items() if number is not None}
        return change_run(connection, run, Action.FINISH_RUN, **values)


def _abandoned(
    connection: Connection, kinds: Collection[RunKind], owner: str, stale: datetime
) -> ColumnElement[bool]:
    """Whether the worker of a running run is gone."""
    query = select(runs.c.owner).where(
        runs.c.kind.in_(list(kinds)), runs.c.state == RunState.RUNNING
    )
    gone = [each for each in connection.scalars(query.distinct()) if is_gone(each)]
    return or_(runs.c.heartbeat_time < stale, runs.c.owner.in_([owner, *gone]))


def _free(kinds: Collection[RunKind], abandoned: ColumnElement[bool]) -> ColumnElement[bool]:
    """Runs that may be claimed: nobody works on them, nor on another of their kind and pool.

    Those of a deleted pool wait until it is brought back.
    """
    deleted = select(pools.c.pool_id).where(pools.c.delete_time.is_not(None))
    busy = (
        select(runs.c.pool_id, runs.c.kind)
        .where(runs.c.state == RunState.RUNNING, not_(abandoned))
        .subquery()
    )
    mine = and_(busy.c.pool_id == runs.c.pool_id, busy.c.kind == runs.c.kind)
    return and_(
        runs.c.kind.in_(list(kinds)),
        or_(
            runs.c.state == RunState.PENDING,
            and_(runs.c.state == RunState.RUNNING, abandoned),
        ),
        not_(exists().where(mine)),
        runs.c.pool_id.not_in(deleted),
    )


def _running(
    connection: Connection, pool_id: str, kind: RunKind, abandoned: ColumnElement[bool]
) -> Run | None:
    """The run of this kind that a living worker does in the pool."""
    query = select(runs).where(
        runs.c.pool_id == pool_id,
        runs.c.kind == kind,
        runs.c.state == RunState.RUNNING,
        not_(abandoned),
    )
    row = connection.execute(query.limit(1)).one_or_none()
    return None if row is None else run_record(row)


def _hold_oldest(connection: Connection, free: ColumnElement[bool]) -> Run | None:
    """The oldest of these runs, with its pool held; None when others took what there was.

    The pool is held, not the run, since whoever changes a run holds its pool first. A pool that
    somebody works in at this moment is passed over for the next one, if there is a next one.
    """
    oldest = (
        select(runs)
        .join(pools, pools.c.pool_id == runs.c.pool_id)
        .where(free)
        .order_by(runs.c.create_time, runs.c.number)
        .limit(1)
    )
    held = connection.execute(oldest.with_for_update(of=pools, skip_locked=True)).one_or_none()
    held = held or connection.execute(oldest.with_for_update(of=pools)).one_or_none()
    if held is None:
        return None
    # Somebody may have taken this one or another of the pool before the pool was held.
    here = and_(free, runs.c.pool_id == held.pool_id, runs.c.number == held.number)
    row = connection.execute(select(runs).where(here)).one_or_none()
    return None if row is None else run_record(row)


def _close(connection: Connection, run: Run, now: datetime) -> None:
    ended = {"state": RunState.CANCELLED, "end_time": now, "sequence": run.sequence + 1}
    change_run(connection, run, Action.CANCEL_RUN, **ended)


def _take(connection: Connection, run: Run, owner: str, now: datetime) -> Run:
    return change_run(
        connection,
        run,
        Action.TAKE_RUN,
        state=RunState.RUNNING,
        owner=owner,
        attempts=run.attempts + 1,
        start_time=run.start_time or now,
        heartbeat_time=now,
        sequence=run.sequence + 1,
    )


def _holds(stored: Run, owner: str) -> bool:
    return stored.state is RunState.RUNNING and stored.owner == owner


def _changes(
    stored: Run, progress: RunProgress | None, stages: Sequence[StageSeconds] = ()
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if progress is not None and progress != stored.progress:
        values["progress"] = asdict(progress)
    if stages:
        values["stages"] = [asdict(stage) for stage in stages]
    return values | {"sequence": stored.sequence + 1} if values else {}
