"""Runs: start, read, list, cancel. Workers take them with `run_queue`."""

import json
import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, select

from poolscore.errors import InvalidInputError, NotFoundError
from poolscore.store import sql
from poolscore.store.catalog import Catalog
from poolscore.store.records import Run, RunKind, RunProgress, RunState, StageSeconds, utcnow
from poolscore.store.tables import runs


def start_run(
    catalog: Catalog,
    pool_id: str,
    kind: RunKind,
    spec: Mapping[str, Any],
    request_id: str | None = None,
    *,
    owner: str = "",
) -> Run:
    """Queue a run, or, with an owner, begin it at once in the same transaction.

    The same request id gives the same run. Raises NotFoundError POOL_NOT_FOUND, InvalidInputError
    REQUEST_ID_REUSED when the request id belongs to another spec.
    """
    spec = json.loads(json.dumps(dict(spec)))
    with catalog.write() as connection:
        sql.lock_pool(connection, pool_id)
        earlier = _by_request(connection, pool_id, request_id) if request_id else None
        if earlier is not None:
            if (earlier.kind, earlier.spec) != (kind, spec):
                raise InvalidInputError(
                    f"request id '{request_id}' already started {earlier.name} with another "
                    "specification; use a new request id",
                    reason="REQUEST_ID_REUSED",
                )
            return earlier
        now = utcnow()
        number = sql.next_number(connection, runs.c.number, pool_id)
        connection.execute(
            runs.insert().values(
                pool_id=pool_id,
                number=number,
                kind=kind,
                spec=spec,
                request_id=request_id or uuid.uuid4().hex,
                state=RunState.RUNNING if owner else RunState.PENDING,
                progress={},
                stages=[],
                error="",
                sequence=1,
                owner=owner,
                attempts=1 if owner else 0,
                cancel_requested=False,
                create_time=now,
                start_time=now if owner else None,
                heartbeat_time=now if owner else None,
            )
        )
        return read_run(connection, pool_id, number)


def get_run(catalog: Catalog, pool_id: str, number: int) -> Run:
    """One run. Raises NotFoundError POOL_NOT_FOUND or RUN_NOT_FOUND."""
    with catalog.read() as connection:
        sql.pool_row(connection, pool_id)
        return read_run(connection, pool_id, number)


def list_runs(
    catalog: Catalog, pool_id: str, page_size: int = 0, page_token: str = ""
) -> tuple[list[Run], str]:
    """Runs, newest first, and the token of the next page, empty on the last one."""
    limit, before = sql.page_limit(page_size), sql.read_number_token(page_token)
    query = select(runs).where(runs.c.pool_id == pool_id)
    if before is not None:
        query = query.where(runs.c.number < before)
    with catalog.read() as connection:
        sql.pool_row(connection, pool_id)
        rows = connection.execute(query.order_by(runs.c.number.desc()).limit(limit + 1)).all()
    found = [run_record(row) for row in rows[:limit]]
    return found, sql.write_token(found[-1].number) if len(rows) > limit else ""


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
        update_run(connection, run, **values)
        return read_run(connection, pool_id, number)


def find_unfinished_run(
    catalog: Catalog, pool_id: str, kind: RunKind, spec: Mapping[str, Any]
) -> Run | None:
    """The newest waiting or running run of this kind and spec."""
    run = find_resumable_run(catalog, pool_id, kind, spec)
    return None if run is None or run.state.ended else run


def find_resumable_run(
    catalog: Catalog, pool_id: str, kind: RunKind, spec: Mapping[str, Any]
) -> Run | None:
    """The newest run of this kind and spec, unless it has succeeded.

    It may be waiting, running (perhaps under a worker that is dead), failed or cancelled.
    """
    wanted = json.loads(json.dumps(dict(spec)))
    query = (
        select(runs)
        .where(runs.c.pool_id == pool_id, runs.c.kind == kind)
        .order_by(runs.c.number.desc())
    )
    with catalog.read() as connection:
        sql.pool_row(connection, pool_id)
        rows = connection.execute(query)
        newest = next((run_record(row) for row in rows if row.spec == wanted), None)
    return None if newest is None or newest.state is RunState.SUCCEEDED else newest


def read_run(connection: Connection, pool_id: str, number: int) -> Run:
    """One run inside a transaction. Raises NotFoundError RUN_NOT_FOUND."""
    query = select(runs).where(runs.c.pool_id == pool_id, runs.c.number == number)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no run {number} in pool '{pool_id}'", reason="RUN_NOT_FOUND")
    return run_record(row)


def update_run(connection: Connection, run: Run, **values: Any) -> None:
    """Write columns of one run inside a transaction."""
    connection.execute(
        runs.update()
        .where(runs.c.pool_id == run.pool_id, runs.c.number == run.number)
        .values(**values)
    )


def _by_request(connection: Connection, pool_id: str, request_id: str) -> Run | None:
    query = select(runs).where(runs.c.pool_id == pool_id, runs.c.request_id == request_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else run_record(row)


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
