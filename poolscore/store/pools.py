"""Pools: register, read, list."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, select
from sqlalchemy.exc import IntegrityError

from poolscore.encoder.spec import EncoderSpec
from poolscore.errors import AlreadyExistsError, NotFoundError
from poolscore.store import pool_rules as rules
from poolscore.store import sql
from poolscore.store.audit import CHANGING, Action, write_event
from poolscore.store.budget import open_leases
from poolscore.store.catalog import Catalog
from poolscore.store.pool_filter import pool_conditions
from poolscore.store.records import Active, Pool, PoolCounts, utcnow
from poolscore.store.tables import effective_answers, pools, snapshots


def create_pool(
    catalog: Catalog,
    pool_id: str,
    classes: Sequence[str],
    template: str,
    encoder: EncoderSpec,
    encoder_digest: str,
    strategy: str,
    train_after_labels: int,
    display_name: str = "",
    validate_only: bool = False,
    budget: int = 0,
) -> Pool:
    """Register a pool; an empty template or strategy means the default.

    With `validate_only` everything is checked and nothing written. Raises InvalidInputError with
    the reasons of `pool_rules`, AlreadyExistsError POOL_EXISTS.
    """
    template = template or rules.DEFAULT_TEMPLATE
    strategy = strategy or rules.DEFAULT_STRATEGY
    rules.check_pool_id(pool_id)
    rules.check_classes(classes)
    rules.check_template(template)
    rules.check_strategy(strategy)
    rules.check_train_after(train_after_labels)
    rules.check_budget(budget)
    now = utcnow()
    pool = Pool(
        pool_id=pool_id,
        display_name=display_name,
        classes=tuple(classes),
        template=template,
        encoder=encoder,
        encoder_digest=encoder_digest,
        strategy=strategy,
        train_after_labels=train_after_labels,
        etag="1",
        create_time=now,
        update_time=now,
        budget=budget,
    )
    with catalog.read() if validate_only else catalog.write() as connection:
        _check_free(connection, pool_id)
        if not validate_only:
            _insert(connection, pool)
    return pool


def get_pool(catalog: Catalog, pool_id: str, *, also_deleted: bool = False) -> Pool:
    """The pool with its counts of now. Raises NotFoundError POOL_NOT_FOUND, POOL_DELETED."""
    with catalog.read() as connection:
        return _pool(connection, sql.pool_row(connection, pool_id, also_deleted=also_deleted))


def get_active(catalog: Catalog, pool_id: str) -> Active:
    """What the pool has active. For what is asked often: `get_pool` counts its answers each time.

    Raises NotFoundError POOL_NOT_FOUND, POOL_DELETED.
    """
    with catalog.read() as connection:
        row = sql.pool_row(connection, pool_id)
    return Active(row.active_snapshot, row.active_prompt_version, row.active_ranking)


def check_pool(catalog: Catalog, pool_id: str) -> None:
    """Raise NotFoundError POOL_NOT_FOUND, POOL_DELETED unless the pool is there."""
    with catalog.read() as connection:
        sql.pool_row(connection, pool_id)


def read_pool(connection: Connection, pool_id: str) -> Pool:
    """A pool that is known to exist, deleted or not, inside a transaction."""
    return _pool(connection, sql.pool_row(connection, pool_id, also_deleted=True))


def list_pools(
    catalog: Catalog,
    page_size: int = 0,
    page_token: str = "",
    *,
    show_deleted: bool = False,
    filter_text: str = "",
    only: Collection[str] | None = None,
) -> tuple[list[Pool], str]:
    """Pools by name, and the token of the next page, empty on the last one.

    `only` are the ids of those that may be shown; None: all. Raises InvalidInputError
    INVALID_PAGE_TOKEN, INVALID_PAGE_SIZE, INVALID_FILTER (`pool_filter`).
    """
    limit, scope = sql.page_limit(page_size), ("pools", show_deleted, filter_text)
    query = (
        select(pools)
        .where(pools.c.pool_id > sql.read_token(page_token, *scope), *pool_conditions(filter_text))
        .order_by(pools.c.pool_id)
        .limit(limit + 1)
    )
    if not show_deleted:
        query = query.where(pools.c.delete_time.is_(None))
    if only is not None:
        query = query.where(pools.c.pool_id.in_(only))
    with catalog.read() as connection:
        rows = connection.execute(query).all()
        found = [_pool(connection, row) for row in rows[:limit]]
    return found, sql.write_token(found[-1].pool_id, *scope) if len(rows) > limit else ""


def _check_free(connection: Connection, pool_id: str) -> None:
    try:
        earlier = sql.pool_row(connection, pool_id, also_deleted=True)
    except NotFoundError:
        return
    raise _taken(pool_id, deleted=earlier.delete_time is not None)


def _insert(connection: Connection, pool: Pool) -> None:
    try:
        connection.execute(pools.insert().values(**_columns(pool)))
    except IntegrityError as error:  # another process was quicker since the name was looked up
        raise _taken(pool.pool_id) from error
    changing = (pools.c[name] for name in CHANGING[pools])
    row = connection.execute(select(*changing).where(pools.c.pool_id == pool.pool_id)).mappings()
    facts = {"pools": [dict(row.one())]}
    write_event(
        connection, pool.pool_id, Action.CREATE_POOL, pool.name, facts, now=pool.create_time
    )


def _taken(pool_id: str, *, deleted: bool = False) -> AlreadyExistsError:
    what = "exists already; choose another name"
    if deleted:
        what = (
            f"was deleted and keeps its name: bring it back with 'poolscore pool undelete "
            f"{pool_id}', or choose another name"
        )
    return AlreadyExistsError(f"pool '{pool_id}' {what}", reason="POOL_EXISTS", pool=pool_id)


def _columns(pool: Pool) -> dict[str, Any]:
    return {
        "pool_id": pool.pool_id,
        "display_name": pool.display_name,
        "classes": list(pool.classes),
        "template": pool.template,
        "encoder": pool.encoder.model_dump(),
        "encoder_digest": pool.encoder_digest,
        "strategy": pool.strategy,
        "train_after_labels": pool.train_after_labels,
        "revision": 1,
        "freed": 0,
        "budget": pool.budget,
        "create_time": pool.create_time,
        "update_time": pool.update_time,
    }


def _pool(connection: Connection, row: Row[Any]) -> Pool:
    return Pool(
        pool_id=row.pool_id,
        display_name=row.display_name,
        classes=tuple(row.classes),
        template=row.template,
        encoder=EncoderSpec.model_validate(row.encoder),
        encoder_digest=row.encoder_digest,
        strategy=row.strategy,
        train_after_labels=row.train_after_labels,
        etag=str(row.revision),
        create_time=row.create_time,
        update_time=row.update_time,
        active_snapshot=row.active_snapshot,
        active_prompt_version=row.active_prompt_version,
        active_ranking=row.active_ranking,
        budget=row.budget,
        spent=row.spent,
        delete_time=row.delete_time,
        counts=_counts(connection, row),
    )


def _counts(connection: Connection, row: Row[Any]) -> PoolCounts:
    answered = select(func.count()).where(effective_answers.c.pool_id == row.pool_id)
    snapshot = connection.execute(
        select(snapshots.c.embedded, snapshots.c.rejected).where(
            snapshots.c.pool_id == row.pool_id, snapshots.c.number == row.active_snapshot
        )
    ).one_or_none()
    return PoolCounts(
        embedded=snapshot.embedded if snapshot else 0,
        rejected=snapshot.rejected if snapshot else 0,
        answered=connection.scalar(answered) or 0,
        leased=open_leases(connection, row.pool_id, sql.clock(connection)),
    )
