"""Pools: register, read, list."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, select

from poolscore.encoder.spec import EncoderSpec
from poolscore.errors import AlreadyExistsError, NotFoundError
from poolscore.store import pool_rules as rules
from poolscore.store import sql
from poolscore.store.catalog import Catalog
from poolscore.store.records import Pool, PoolCounts, utcnow
from poolscore.store.tables import effective_answers, item_leases, pools, snapshots


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
    )
    with catalog.read() if validate_only else catalog.write() as connection:
        _check_free(connection, pool_id)
        if not validate_only:
            connection.execute(pools.insert().values(**_columns(pool)))
    return pool


def get_pool(catalog: Catalog, pool_id: str) -> Pool:
    """The pool with its counts of now. Raises NotFoundError POOL_NOT_FOUND."""
    with catalog.read() as connection:
        return _pool(connection, sql.pool_row(connection, pool_id))


def list_pools(
    catalog: Catalog, page_size: int = 0, page_token: str = ""
) -> tuple[list[Pool], str]:
    """Pools by name, and the token of the next page, empty on the last one."""
    limit = sql.page_limit(page_size)
    query = (
        select(pools)
        .where(pools.c.pool_id > sql.read_token(page_token))
        .order_by(pools.c.pool_id)
        .limit(limit + 1)
    )
    with catalog.read() as connection:
        rows = connection.execute(query).all()
        found = [_pool(connection, row) for row in rows[:limit]]
    return found, sql.write_token(found[-1].pool_id) if len(rows) > limit else ""


def _check_free(connection: Connection, pool_id: str) -> None:
    try:
        sql.pool_row(connection, pool_id)
    except NotFoundError:
        return
    raise AlreadyExistsError(
        f"pool '{pool_id}' exists already; choose another name", reason="POOL_EXISTS", pool=pool_id
    )


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
        counts=_counts(connection, row),
    )


def _counts(connection: Connection, row: Row[Any]) -> PoolCounts:
    answers, leases = effective_answers.c, item_leases.c
    answered = select(func.count()).where(answers.pool_id == row.pool_id)
    leased = select(func.count()).where(
        leases.pool_id == row.pool_id, leases.expire_time > utcnow()
    )
    snapshot = connection.execute(
        select(snapshots.c.embedded, snapshots.c.rejected).where(
            snapshots.c.pool_id == row.pool_id, snapshots.c.number == row.active_snapshot
        )
    ).one_or_none()
    return PoolCounts(
        embedded=snapshot.embedded if snapshot else 0,
        rejected=snapshot.rejected if snapshot else 0,
        answered=connection.scalar(answered) or 0,
        leased=connection.scalar(leased) or 0,
    )
