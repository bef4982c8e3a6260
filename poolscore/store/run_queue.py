"""The runs table as a work queue: workers claim a run, keep it alive and finish it."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from poolscore.errors import AbortedError, FailedPreconditionError
from poolscore.store.catalog import Catalog
from poolscore.store.owners import is_gone
from poolscore.store.records import Run, RunKind, RunProgress, RunState, StageSeconds, utcnow
from poolscore.store.runs import read_run, run_record, update_run
from poolscore.store.tables import runs


def claim_run(
    catalog: Catalog,
    kinds: Collection[RunKind],
    owner: str,
    stale_after_s: float,
    *,
    run: Run | None = None,
) -> Run | None:
    """Take the oldest run that waits, or whose worker is gone; only `run` itself when given.

    A worker is gone when its last heartbeat is older than `stale_after_s`, when its name is that of
    a process of this machine that has ended (`owners`), or when it has the name of the worker that
    asks: one worker does one run at a time, so it must have been restarted.
    A run whose cancellation nobody lives to carry out is closed as cancelled here.
    """
    now = utcnow()
    with catalog.read() as connection:  # an idle worker that polls must not take the write lock
        gone = [owner, *_gone_owners(connection, kinds)]
        free = _free(kinds, gone, now - timedelta(seconds=stale_after_s))
        if run is not None:
            free = and_(free, runs.c.pool_id == run.pool_id, runs.c.number == run.number)
        if connection.execute(select(runs.c.number).where(free).limit(1)).first() is None:
            return None
    with catalog.write() as connection:
        _close_cancelled(connection, free, now)
        query = select(runs).where(free).order_by(runs.c.create_time, runs.c.number).limit(1)
        row = connection.execute(query.with_for_update(skip_locked=True)).one_or_none()
        return None if row is None else _take(connection, run_record(row), owner, now)


def heartbeat(
    catalog: Catalog,
    run: Run,
    owner: str,
    progress: RunProgress | None = None,
    stages: Sequence[StageSeconds] | None = None,
) -> bool:
    """Say that the worker lives; False: the run was cancelled or taken over, the worker must stop.

    The run's sequence grows when progress or stages differ from what is stored.
    """
    with catalog.write() as connection:
        stored = read_run(connection, run.pool_id, run.number)
        if not _holds(stored, owner) or stored.cancel_requested:
            return False
        changed = _changes(stored, progress, stages)
        update_run(connection, run, heartbeat_time=utcnow(), **changed)
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
    stages: Sequence[StageSeconds] | None = None,
) -> Run:
    """End the run. Raises AbortedError RUN_LOST when another worker has it meanwhile."""
    if not state.ended:
        raise ValueError(f"{state} does not end a run")
    with catalog.write() as connection:
        stored = read_run(connection, run.pool_id, run.number)
        if not _holds(stored, owner):
            raise AbortedError(
                f"{run.name} is no longer held by '{owner}': it is {stored.state} under "
                f"'{stored.owner}'",
                reason="RUN_LOST",
            )
        values = _changes(stored, progress, stages) | {
            "state": state,
            "error": error,
            "end_time": utcnow(),
            "sequence": stored.sequence + 1,
            "snapshot": snapshot,
            "prompt_version": prompt_version,
            "ranking": ranking,
        }
        update_run(connection, run, **values)
        return read_run(connection, run.pool_id, run.number)


def reopen_run(catalog: Catalog, run: Run, *, owner: str = "") -> Run:
    """Queue a failed or cancelled run again, or, with an owner, begin it at once.

    It keeps its number and so whatever it has committed. Raises FailedPreconditionError
    RUN_NOT_REOPENABLE when the run is in another state.
    """
    with catalog.write() as connection:
        stored = read_run(connection, run.pool_id, run.number)
        if stored.state not in (RunState.FAILED, RunState.CANCELLED):
            raise FailedPreconditionError(
                f"{run.name} is {stored.state}; only a failed or cancelled run can be opened again",
                reason="RUN_NOT_REOPENABLE",
            )
        update_run(
            connection,
            run,
            state=RunState.PENDING,
            error="",
            end_time=None,
            owner="",
            cancel_requested=False,
            sequence=stored.sequence + 1,
        )
        reopened = read_run(connection, run.pool_id, run.number)
        return _take(connection, reopened, owner, utcnow()) if owner else reopened


def _gone_owners(connection: Connection, kinds: Collection[RunKind]) -> list[str]:
    query = select(runs.c.owner).where(
        runs.c.kind.in_(list(kinds)), runs.c.state == RunState.RUNNING
    )
    return [owner for owner in connection.scalars(query.distinct()) if is_gone(owner)]


def _free(
    kinds: Collection[RunKind], gone: Collection[str], stale: datetime
) -> ColumnElement[bool]:
    abandoned = or_(runs.c.heartbeat_time < stale, runs.c.owner.in_(gone))
    return and_(
        runs.c.kind.in_(list(kinds)),
        or_(
            runs.c.state == RunState.PENDING,
            and_(runs.c.state == RunState.RUNNING, abandoned),
        ),
    )


def _close_cancelled(connection: Connection, free: ColumnElement[bool], now: datetime) -> None:
    connection.execute(
        runs.update()
        .where(free, runs.c.cancel_requested)
        .values(state=RunState.CANCELLED, end_time=now, sequence=runs.c.sequence + 1)
    )


def _take(connection: Connection, run: Run, owner: str, now: datetime) -> Run:
    update_run(
        connection,
        run,
        state=RunState.RUNNING,
        owner=owner,
        attempts=run.attempts + 1,
        start_time=run.start_time or now,
        heartbeat_time=now,
        sequence=run.sequence + 1,
    )
    return read_run(connection, run.pool_id, run.number)


def _holds(stored: Run, owner: str) -> bool:
    return stored.state is RunState.RUNNING and stored.owner == owner


def _changes(
    stored: Run, progress: RunProgress | None, stages: Sequence[StageSeconds] | None
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if progress is not None and progress != stored.progress:
        values["progress"] = asdict(progress)
    if stages is not None and tuple(stages) != stored.stages:
        values["stages"] = [asdict(stage) for stage in stages]
    return values | {"sequence": stored.sequence + 1} if values else {}
