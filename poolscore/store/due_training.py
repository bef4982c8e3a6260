"""The training that a pool's new answers ask for, queued once however many replicas see them."""

from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from poolscore.store import sql
from poolscore.store.catalog import Catalog
from poolscore.store.label_events import events_since
from poolscore.store.records import Run, RunKind, RunState
from poolscore.store.runs import AUTOMATIC, insert_run, run_of_request
from poolscore.store.tables import pools, prompt_versions, runs

_THRESHOLD = select(pools.c.pool_id, pools.c.train_after_labels, pools.c.active_snapshot).where(
    pools.c.pool_id == bindparam("pool")
)


def queue_due_training(catalog: Catalog, pool_id: str) -> Run | None:
    """Queue one training run when `train_after_labels` new answers wait; None when none is due.

    New are the answers after the watermark of the newest prompt version; all of them when that is
    zero-shot, for classes that have changed. The request id names that version and how often the
    threshold was passed since, so that a failed run is tried again only after as many answers more.
    Whether it is due is decided with the pool held: nobody queues a second training of what another
    one is about to learn. Raises NotFoundError POOL_NOT_FOUND.
    """
    with catalog.read() as connection:  # after most answers nothing is due: no lock for that
        pool: Any = connection.execute(_THRESHOLD, {"pool": pool_id}).one_or_none()
        if pool is not None and _request_due(connection, pool) is None:
            return None
    with catalog.write() as connection:
        request_id = _request_due(connection, sql.lock_pool(connection, pool_id))
        if request_id is None:
            return None
        return insert_run(connection, pool_id, RunKind.TRAIN, {}, request_id)


def _request_due(connection: Connection, pool: Row[Any]) -> str | None:
    """Request id of the training that is due and was not asked for yet."""
    if pool.train_after_labels <= 0 or pool.active_snapshot is None:
        return None
    version, watermark = _newest_version(connection, pool.pool_id)
    new = events_since(connection, pool.pool_id, watermark)
    passed = new // pool.train_after_labels
    if passed == 0:
        return None
    if _is_training(connection, pool.pool_id):
        return None
    request_id = f"{AUTOMATIC}{version}-{passed}"
    asked = run_of_request(connection, pool.pool_id, request_id)
    return request_id if asked is None else None


def _is_training(connection: Connection, pool_id: str) -> bool:
    """Whether the newest training waits or goes on; one look, however many there were."""
    here = (runs.c.pool_id == pool_id) & (runs.c.kind == RunKind.TRAIN)
    query = select(runs.c.state).where(here).order_by(runs.c.number.desc()).limit(1)
    state = connection.scalar(query)
    return state is not None and not RunState(state).ended


def _newest_version(connection: Connection, pool_id: str) -> tuple[int, int]:
    """Its number and its label watermark; zeros when there is none."""
    columns = prompt_versions.c
    query = (
        select(columns.number, columns.label_watermark)
        .where(columns.pool_id == pool_id)
        .order_by(columns.number.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    return (0, 0) if row is None else (row.number, row.label_watermark)
