"""Prompt versions: register, read, list."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from poolscore.errors import FailedPreconditionError, NotFoundError
from poolscore.store import sql
from poolscore.store.audit import Action, write_event
from poolscore.store.catalog import Catalog
from poolscore.store.promotions import insert_promotion, read_promotions
from poolscore.store.records import Promotion, PromptVersion, Run, utcnow
from poolscore.store.runs import change_run, check_attempt
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
    classes: Sequence[str] | None = None,
    promotion: Promotion | None = None,
    run: Run | None = None,
) -> PromptVersion:
    """Register an artefact as the next version; the first one of a pool is number 0.

    `classes` are those it was made for; None: those that the pool has now. `promotion` is what the
    comparison with the active version said, and does not activate. The same artefact with the same
    watermark and parent gives the same version, as it was registered first.

    In the same transaction it becomes the version of the `run` that made it: the attempt that
    follows one which was killed afterwards finds it there. Raises AbortedError RUN_LOST when that
    attempt has begun already.
    """
    with catalog.write() as connection:
        pool = sql.lock_pool(connection, pool_id)
        if run is not None:
            check_attempt(connection, run)
        earlier = _same(connection, pool_id, digest, label_watermark, parent)
        if earlier is not None:
            version = _records(connection, pool_id, [earlier])[0]
            _note(connection, run, version)
            return version
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
            classes=tuple(pool.classes if classes is None else classes),
            promotion=promotion,
        )
        columns = vars(version) | {"classes": list(version.classes)}
        del columns["promotion"]
        connection.execute(prompt_versions.insert().values(**columns))
        added = {"prompt_versions": [{"number": version.number}]}
        write_event(connection, pool_id, Action.ADD_PROMPT_VERSION, version.name, added)
        if promotion is not None:
            insert_promotion(connection, pool_id, version.number, promotion)
            decided = {"promotions": [{"prompt_version": version.number}]}
            write_event(connection, pool_id, Action.DECIDE_PROMOTION, version.name, decided)
        _note(connection, run, version)
        return version


def get_prompt_version(catalog: Catalog, pool_id: str, number: int) -> PromptVersion:
    """One version. Raises NotFoundError POOL_NOT_FOUND or PROMPT_VERSION_NOT_FOUND."""
    with catalog.read() as connection:
        sql.pool_row(connection, pool_id)
        return read_prompt_version(connection, pool_id, number)


def read_prompt_version(connection: Connection, pool_id: str, number: int) -> PromptVersion:
    """One version, inside a transaction. Raises NotFoundError PROMPT_VERSION_NOT_FOUND."""
    return _records(connection, pool_id, [_row(connection, pool_id, number)])[0]


def zero_shot_version(
    catalog: Catalog, pool_id: str, classes: Sequence[str]
) -> PromptVersion | None:
    """The version for these classes that learned from no label, None when there is none yet."""
    columns = prompt_versions.c
    query = select(prompt_versions).where(
        columns.pool_id == pool_id, columns.parent.is_(None), columns.label_watermark == 0
    )
    with catalog.read() as connection:
        sql.pool_row(connection, pool_id)
        rows = connection.execute(query.order_by(columns.number.desc())).mappings().all()
        found = [row for row in rows if row["classes"] == list(classes)][:1]
        return next(iter(_records(connection, pool_id, found)), None)


def check_classes(version: PromptVersion, classes: Sequence[str]) -> None:
    """Raise FailedPreconditionError CLASSES_DIFFER unless the version was made for these."""
    if version.classes != tuple(classes):
        raise FailedPreconditionError(
            f"prompt version {version.number} of pool '{version.pool_id}' was made for "
            f"{len(version.classes)} classes that are not the {len(classes)} which the pool has "
            "now; give the pool the old classes back, or train a new version",
            reason="CLASSES_DIFFER",
            prompt_version=version.name,
        )


def list_prompt_versions(
    catalog: Catalog, pool_id: str, page_size: int = 0, page_token: str = ""
) -> tuple[list[PromptVersion], str]:
    """Versions, newest first, and the token of the next page, empty on the last one."""
    limit, scope = sql.page_limit(page_size), ("prompt versions", pool_id)
    before = sql.read_number_token(page_token, *scope)
    column = prompt_versions.c.number
    query = select(prompt_versions).where(prompt_versions.c.pool_id == pool_id)
    if before is not None:
        query = query.where(column < before)
    with catalog.read() as connection:
        sql.pool_row(connection, pool_id)
        rows = connection.execute(query.order_by(column.desc()).limit(limit + 1)).mappings().all()
        found = _records(connection, pool_id, rows[:limit])
    return found, sql.write_token(found[-1].number, *scope) if len(rows) > limit else ""


def _note(connection: Connection, run: Run | None, version: PromptVersion) -> None:
    if run is not None:
        change_run(connection, run, Action.NOTE_PROMPT_VERSION, prompt_version=version.number)


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


def _records(
    connection: Connection, pool_id: str, rows: Sequence[RowMapping]
) -> list[PromptVersion]:
    promotions = read_promotions(connection, pool_id, [row["number"] for row in rows])
    return [_record(row, promotions.get(row["number"])) for row in rows]


def _record(row: RowMapping, promotion: Promotion | None) -> PromptVersion:
    columns: dict[str, Any] = {**row, "classes": tuple(row["classes"])}
    return PromptVersion(**columns, promotion=promotion)
