"""Prompt versions: register, read, list."""

from collections.abc import Mapping

from sqlalchemy import Connection, RowMapping, select

from poolscore.errors import NotFoundError
from poolscore.store import sql
from poolscore.store.catalog import Catalog
from poolscore.store.records import PromptVersion, utcnow
from poolscore.store.tables import prompt_versions


def add_prompt_version(
    catalog: Catalog,
    pool_id: str,
    digest: str,
    uri: str,
    label_watermark: int,
    label_count: int,
    parent: int | None,
    metrics: Mapping[str, float],
) -> PromptVersion:
    """Register an artefact as the next version; the first one of a pool is number 0.

    The same artefact with the same watermark and parent gives the same version, so that a training
    run that was killed after this call can be repeated.
    """
    with catalog.write() as connection:
        sql.lock_pool(connection, pool_id)
        earlier = _same(connection, pool_id, digest, label_watermark, parent)
        if earlier is not None:
            return _prompt_version(earlier)
        if parent is not None:
            _row(connection, pool_id, parent)
        version = PromptVersion(
            pool_id=pool_id,
            number=sql.next_number(connection, prompt_versions.c.number, pool_id, first=0),
            digest=digest,
            uri=uri,
            label_watermark=label_watermark,
            label_count=label_count,
            parent=parent,
            metrics=dict(metrics),
            create_time=utcnow(),
        )
        connection.execute(prompt_versions.insert().values(**vars(version)))
        return version


def get_prompt_version(catalog: Catalog, pool_id: str, number: int) -> PromptVersion:
    """One version. Raises NotFoundError POOL_NOT_FOUND or PROMPT_VERSION_NOT_FOUND."""
    with catalog.read() as connection:
        sql.pool_row(connection, pool_id)
        return _prompt_version(_row(connection, pool_id, number))


def list_prompt_versions(
    catalog: Catalog, pool_id: str, page_size: int = 0, page_token: str = ""
) -> tuple[list[PromptVersion], str]:
    """Versions, newest first, and the token of the next page, empty on the last one."""
    limit, before = sql.page_limit(page_size), sql.read_number_token(page_token)
    column = prompt_versions.c.number
    query = select(prompt_versions).where(prompt_versions.c.pool_id == pool_id)
    if before is not None:
        query = query.where(column < before)
    with catalog.read() as connection:
        sql.pool_row(connection, pool_id)
        rows = connection.execute(query.order_by(column.desc()).limit(limit + 1)).mappings().all()
    found = [_prompt_version(row) for row in rows[:limit]]
    return found, sql.write_token(found[-1].number) if len(rows) > limit else ""


def _same(
    connection: Connection, pool_id: str, digest: str, watermark: int, parent: int | None
) -> RowMapping | None:
    columns = prompt_versions.c
    query = select(prompt_versions).where(
        columns.pool_id == pool_id,
        columns.digest == digest,
        columns.label_watermark == watermark,
        columns.parent.is_(None) if parent is None else columns.parent == parent,
    )
    return connection.execute(query).mappings().one_or_none()


def _row(connection: Connection, pool_id: str, number: int) -> RowMapping:
    columns = prompt_versions.c
    query = select(prompt_versions).where(columns.pool_id == pool_id, columns.number == number)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise NotFoundError(
            f"there is no prompt version {number} in pool '{pool_id}'",
            reason="PROMPT_VERSION_NOT_FOUND",
        )
    return row


def _prompt_version(row: RowMapping) -> PromptVersion:
    return PromptVersion(**row)
