"""Runs: start, read, list, cancel. Workers take them with `run_queue`."""

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from poolscore.errors import AbortedError, InvalidInputError, NotFoundError
from poolscore.store import sql
from poolscore.store.audit import CHANGING, Action, write_event
from poolscore.store.catalog import Catalog
from poolscore.store.records import Run, RunKind, RunProgress, RunState, StageSeconds, utcnow
from poolscore.store.tables import runs

AUTOMATIC = "auto-"
"""What the request ids of runs begin with that nobody has asked for."""


def start_run(
    catalog: Catalog,
    pool_id: str,
    kind: RunKind,
    spec: Mapping[str, Any],
    request_id: str | None = None,
) -> Run:
    """Queue a run.

    An embedding run of the same source that has not succeeded is that run: it is queued again if it
    failed or was cancelled, and keeps what it has committed. The same request id gives the same
    run. Raises NotFoundError POOL_NOT_FOUND, InvalidInputError REQUEST_ID_REUSED when the
    request id belongs to another spec, REQUEST_ID_RESERVED when it is one of the service's own.
    """
    if request_id and request_id.startswith(AUTOMATIC):
        raise InvalidInputError(
            f"request ids that begin with '{AUTOMATIC}' are the service's own; send another one",
            reason="REQUEST_ID_RESERVED",
        )
    wanted = plain_spec(spec)
    request_id = request_id or uuid.uuid4().hex
    with catalog.write() as connection:
        sql.lock_pool(connection, pool_id)
        earlier = run_of_request(connection, pool_id, request_id)
        if earlier is not None:
            _check_same(earlier, kind, wanted, request_id)
            return earlier
        begun = newest_run(connection, pool_id, kind, wanted) if kind is RunKind.EMBED else None
        if begun is not None and begun.state is not RunState.SUCCEEDED:
            return reopen_run(connection, begun) if begun.state.ended else begun
        return insert_run(connection, pool_id, kind, wanted, request_id)


def get_run(catalog: Catalog, pool_id: str, number: int) -> Run:
    """One run. Raises NotFoundError POOL_NOT_FOUND or RUN_NOT_FOUND."""
    with catalog.read() as connection:
        sql.pool_row(connection, pool_id)
        return read_run(connection, pool_id, number)


def list_runs(
    catalog: Catalog, pool_id: str, page_size: int = 0, page_token: str = ""
) -> tuple[list[Run], str]:
    """Runs, newest first, and the token of the next page, empty on the last one."""
    limit, scope = sql.page_limit(page_size), ("runs", pool_id)
    before = sql.read_number_token(page_token, *scope)
    query = select(runs).where(runs.c.pool_id == pool_id)
    if before is not None:
        query = query.where(runs.c.number < before)
    with catalog.read() as connection:
        sql.pool_row(connection, pool_id)
        rows = connection.execute(query.order_by(runs.c.number.desc()).limit(limit + 1)).all()
    found = [run_record(row) for row in rows[:limit]]
    return found, sql.write_token(found[-1].number, *scope) if len(rows) > limit else ""


def cancel_run(catalog: Catalog, pool_id: str, number: int) -> Run:
    """Cancel a waiting run, or ask the worker of a running one to stop; an ended one stays."""
    with catalog.write() as connection:
        sql.lock_pool(connection, pool_id)
        run = read_run(connection, pool_id, number)
        if run.state.ended or run.cancel_requested:
            return run
        values: dict[str, Any] = {"cancel_requested": True, "sequence": run.sequence + 1}
        if run.state is RunState.PENDING:
            values |= {"state": RunState.CANCELLED, "end_time": utcnow()}
        return change_run(connection, run, Action.CANCEL_RUN, **values)


def plain_spec(spec: Mapping[str, Any]) -> dict[str, Any]:
    """A spec as the catalog gives it back."""
    return json.loads(json.dumps(dict(spec)))


def newest_run(
    connection: Connection, pool_id: str, kind: RunKind, spec: dict[str, Any]
) -> Run | None:
    """The newest run of this kind and spec inside a transaction."""
    query = (
        select(runs)
        .where(runs.c.pool_id == pool_id, runs.c.kind == kind)
        .order_by(runs.c.number.desc())
    )
    rows = connection.execute(query)
    return next((run_record(row) for row in rows if row.spec == spec), None)


def run_of_request(connection: Connection, pool_id: str, request_id: str) -> Run | None:
    """The run that a request has queued, inside a transaction; None when it is new."""
    query = select(runs).where(runs.c.pool_id == pool_id, runs.c.request_id == request_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else run_record(row)


def insert_run(
    connection: Connection, pool_id: str, kind: RunKind, spec: dict[str, Any], request_id: str
) -> Run:
    """Add a waiting run inside a transaction that holds the pool."""
    number = sql.next_number(connection, runs.c.number, pool_id)
    connection.execute(
        runs.insert().values(
            pool_id=pool_id,
            number=number,
            kind=kind,
            spec=spec,
            request_id=request_id,
            state=RunState.PENDING,
            progress={},
            stages=[],
            error="",
            sequence=1,
            owner="",
            attempts=0,
            cancel_requested=False,
            create_time=utcnow(),
        )
    )
    run = read_run(connection, pool_id, number)
    _write_event(connection, run, Action.START_RUN)
    return run


def reopen_run(connection: Connection, run: Run) -> Run:
    """Let a run that has ended wait again, inside a transaction that holds the pool."""
    return change_run(
        connection,
        run,
        Action.RESTART_RUN,
        state=RunState.PENDING,
        error="",
        end_time=None,
        owner="",
        cancel_requested=False,
        sequence=run.sequence + 1,
    )


def read_run(connection: Connection, pool_id: str, number: int) -> Run:
    """One run inside a transaction. Raises NotFoundError RUN_NOT_FOUND."""
    query = select(runs).where(runs.c.pool_id == pool_id, runs.c.number == number)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no run {number} in pool '{pool_id}'", reason="RUN_NOT_FOUND")
    return run_record(row)


def change_run(connection: Connection, run: Run, action: Action, **values: Any) -> Run:
    """Write columns of one run and that to the audit trail, inside a transaction."""
    update_run(connection, run, **values)
    _write_event(connection, run, action)
    return read_run(connection, run.pool_id, run.number)


def changed_columns(
    connection: Connection, pool_id: str, numbers: Sequence[int]
) -> list[dict[str, Any]]:
    """What the audit trail says of runs that have changed."""
    columns = (runs.c[name] for name in ("number", *CHANGING[runs]))
    query = select(*columns).where(runs.c.pool_id == pool_id, runs.c.number.in_(numbers))
    return [dict(row) for row in connection.execute(query.order_by(runs.c.number)).mappings()]


def _write_event(connection: Connection, run: Run, action: Action) -> None:
    facts = {"runs": changed_columns(connection, run.pool_id, [run.number])}
    write_event(connection, run.pool_id, action, run.name, facts, request_id=run.request_id)


def check_attempt(connection: Connection, run: Run) -> None:
    """Raise AbortedError RUN_LOST unless it is still this attempt of the run that goes on.

    Needs the pool held: then no other attempt begins before the transaction ends.
    """
    stored = read_run(connection, run.pool_id, run.number)
    if stored.state is not RunState.RUNNING or stored.attempts != run.attempts:
        raise AbortedError(
            f"attempt {run.attempts} of {run.name} has lost it: it is {stored.state} under "
            f"'{stored.owner}', attempt {stored.attempts}",
            reason="RUN_LOST",
        )


def update_run(connection: Connection, run: Run, **values: Any) -> None:
    """Write columns of one run inside a transaction; for signs of life, which are not audited."""
    connection.execute(
        runs.update()
        .where(runs.c.pool_id == run.pool_id, runs.c.number == run.number)
        .values(**values)
    )


def _check_same(earlier: Run, kind: RunKind, spec: dict[str, Any], request_id: str) -> None:
    if (earlier.kind, earlier.spec) != (kind, spec):
        raise InvalidInputError(
            f"request id '{request_id}' already started {earlier.name} with another "
            "specification; use a new request id",
            reason="REQUEST_ID_REUSED",
        )


def run_record(row: Row[Any]) -> Run:
    """The record of a row of the runs table."""
    return Run(
        pool_id=row.pool_id,
        number=row.number,
        kind=RunKind(row.kind),
        spec=row.spec,
        request_id=row.request_id,
        state=RunState(row.state),
        progress=RunProgress(**row.progress),
        error=row.error,
        create_time=row.create_time,
        start_time=row.start_time,
        end_time=row.end_time,
        sequence=row.sequence,
        owner=row.owner,
        attempts=row.attempts,
        cancel_requested=row.cancel_requested,
        snapshot=row.snapshot,
        prompt_version=row.prompt_version,
        ranking=row.ranking,
        stages=tuple(StageSeconds(**stage) for stage in row.stages),
    )
