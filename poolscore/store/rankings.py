"""Rankings: register, read, and switch the active one."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, RowMapping, Table, select

from poolscore.errors import AbortedError, InvalidInputError, NotFoundError
from poolscore.store import sql
from poolscore.store.catalog import Catalog
from poolscore.store.records import Ranking, utcnow
from poolscore.store.tables import prompt_versions, rankings, snapshots


def add_ranking(
    catalog: Catalog,
    pool_id: str,
    snapshot: int,
    prompt_version: int,
    strategy: str,
    parameters: Mapping[str, Any],
    seed: int,
    code_version: str,
    encoder_digest: str,
    uri: str,
    sha256: str,
    size: int,
) -> Ranking:
    """Register a ranking file with its full provenance; it is not active yet.

    Raises NotFoundError POOL_NOT_FOUND, SNAPSHOT_NOT_FOUND or PROMPT_VERSION_NOT_FOUND.
    """
    with catalog.write() as connection:
        sql.lock_pool(connection, pool_id)
        _must_exist(connection, snapshots, pool_id, snapshot, "snapshot")
        _must_exist(connection, prompt_versions, pool_id, prompt_version, "prompt version")
        ranking = Ranking(
            pool_id=pool_id,
            number=sql.next_number(connection, rankings.c.number, pool_id),
            snapshot=snapshot,
            prompt_version=prompt_version,
            strategy=strategy,
            parameters=dict(parameters),
            seed=seed,
            code_version=code_version,
            encoder_digest=encoder_digest,
            uri=uri,
            sha256=sha256,
            size=size,
            create_time=utcnow(),
        )
        connection.execute(rankings.insert().values(**vars(ranking)))
        return ranking


def get_ranking(catalog: Catalog, pool_id: str, number: int) -> Ranking:
    """One ranking. Raises NotFoundError POOL_NOT_FOUND or RANKING_NOT_FOUND."""
    with catalog.read() as connection:
        sql.pool_row(connection, pool_id)
        return _ranking(_must_exist(connection, rankings, pool_id, number, "ranking"))


def latest_ranking_of(catalog: Catalog, pool_id: str, prompt_version: int) -> Ranking | None:
    """The newest ranking that a prompt version has produced."""
    columns = rankings.c
    query = (
        select(rankings)
        .where(columns.pool_id == pool_id, columns.prompt_version == prompt_version)
        .order_by(columns.number.desc())
        .limit(1)
    )
    with catalog.read() as connection:
        sql.pool_row(connection, pool_id)
        row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _ranking(row)


def activate(
    catalog: Catalog,
    pool_id: str,
    snapshot: int,
    prompt_version: int,
    ranking: int,
    *,
    keep_version: bool = False,
) -> None:
    """Switch snapshot, prompt version and ranking of a pool in one transaction.

    `keep_version` is for a caller that ranks by the version in force and means no other.

    Raises NotFoundError RANKING_NOT_FOUND, InvalidInputError RANKING_MISMATCH when the ranking was
    not made from this snapshot and prompt version, and AbortedError SNAPSHOT_SUPERSEDED when a
    newer snapshot has become active meanwhile, since going back would hide its images, or
    PROMPTS_SUPERSEDED when another version is in force that was to be kept.
    """
    with catalog.write() as connection:
        pool = sql.lock_pool(connection, pool_id)
        row = _must_exist(connection, rankings, pool_id, ranking, "ranking")
        if (row["snapshot"], row["prompt_version"]) != (snapshot, prompt_version):
            raise InvalidInputError(
                f"ranking {ranking} of pool '{pool_id}' is of snapshot {row['snapshot']} and "
                f"prompt version {row['prompt_version']}, not of {snapshot} and {prompt_version}",
                reason="RANKING_MISMATCH",
            )
        if snapshot < (pool.active_snapshot or 0):
            raise AbortedError(
                f"snapshot {pool.active_snapshot} of pool '{pool_id}' became active while "
                f"snapshot {snapshot} was ranked; start the run again",
                reason="SNAPSHOT_SUPERSEDED",
            )
        if keep_version and pool.active_prompt_version not in (None, prompt_version):
            raise AbortedError(
                f"prompt version {pool.active_prompt_version} of pool '{pool_id}' became active "
                f"while version {prompt_version} was ranked; start the run again",
                reason="PROMPTS_SUPERSEDED",
            )
        sql.touch_pool(
            connection,
            pool,
            utcnow(),
            active_snapshot=snapshot,
            active_prompt_version=prompt_version,
            active_ranking=ranking,
        )


def _must_exist(
    connection: Connection, table: Table, pool_id: str, number: int, what: str
) -> RowMapping:
    query = select(table).where(table.c.pool_id == pool_id, table.c.number == number)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise NotFoundError(
            f"there is no {what} {number} in pool '{pool_id}'",
            reason=f"{what.upper().replace(' ', '_')}_NOT_FOUND",
        )
    return row


def _ranking(row: RowMapping) -> Ranking:
    return Ranking(**row)
