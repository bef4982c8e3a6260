"""Rankings: register, read, and switch the active one."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, Row, RowMapping, Select, Table, bindparam, exists, select

from poolscore.errors import (
    AbortedError,
    FailedPreconditionError,
    InvalidInputError,
    NotFoundError,
)
from poolscore.store import sql
from poolscore.store.audit import Action, write_event
from poolscore.store.catalog import Catalog
from poolscore.store.prompt_versions import check_classes, read_prompt_version
from poolscore.store.records import Ranking, Run, utcnow
from poolscore.store.runs import check_attempt
from poolscore.store.tables import aside_rankings, prompt_versions, rankings, snapshots

_NEWEST = (
    select(rankings.c.number)
    .where(
        rankings.c.pool_id == bindparam("pool"),
        rankings.c.prompt_version == bindparam("prompt_version"),
        rankings.c.snapshot == bindparam("snapshot"),
        rankings.c.strategy == bindparam("strategy"),
    )
    .order_by(rankings.c.number.desc())
    .limit(1)
)


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
    *,
    aside: bool = False,
) -> Ranking:
    """Register a ranking file with its full provenance; it is not active yet.

    One that is put `aside` is for leases that name its strategy: rollback never takes it for what
    the version has produced.
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
        if aside:
            key = {"pool_id": pool_id, "number": ranking.number}
            connection.execute(aside_rankings.insert(), key)
        facts = {"rankings": [{"number": ranking.number}]}
        write_event(connection, pool_id, Action.ADD_RANKING, ranking.name, facts)
        return ranking


def get_ranking(catalog: Catalog, pool_id: str, number: int) -> Ranking:
    """One ranking. Raises NotFoundError POOL_NOT_FOUND or RANKING_NOT_FOUND."""
    with catalog.read() as connection:
        sql.pool_row(connection, pool_id)
        return _ranking(_must_exist(connection, rankings, pool_id, number, "ranking"))


def latest_ranking_of(
    catalog: Catalog, pool_id: str, prompt_version: int, snapshot: int | None = None
) -> Ranking | None:
    """The newest ranking that a prompt version has produced, of this snapshot or of any."""
    query = _produced(pool_id, prompt_version)
    if snapshot is not None:
        query = query.where(rankings.c.snapshot == snapshot)
    with catalog.read() as connection:
        sql.pool_row(connection, pool_id)
        row = connection.execute(query.limit(1)).mappings().one_or_none()
    return None if row is None else _ranking(row)


def common_rankings(
    catalog: Catalog, pool_id: str, one: int, other: int
) -> tuple[Ranking, Ranking] | None:
    """The newest rankings that two prompt versions have produced of the newest snapshot that both
    have ranked; None when there is no such snapshot. Raises NotFoundError POOL_NOT_FOUND."""
    with catalog.read() as connection:
        sql.pool_row(connection, pool_id)
        found = [
            [_ranking(row) for row in connection.execute(_produced(pool_id, version)).mappings()]
            for version in (one, other)
        ]
    newest = [{each.snapshot: each for each in reversed(produced)} for produced in found]
    shared = newest[0].keys() & newest[1].keys()
    return (newest[0][max(shared)], newest[1][max(shared)]) if shared else None


def newest_of_strategy(catalog: Catalog, pool_id: str, strategy: str) -> int:
    """Number of the newest ranking of a strategy for the active snapshot and prompt version.

    Raises NotFoundError POOL_NOT_FOUND, FailedPreconditionError NO_RANKING.
    """
    with catalog.read() as connection:
        pool = sql.pool_row(connection, pool_id)
        made_from = pool.active_snapshot, pool.active_prompt_version
        number = newest_number(connection, pool_id, *made_from, strategy)
    if number is None:
        raise no_ranking_of_strategy(pool_id, strategy)
    return number


def newest_number(
    connection: Connection,
    pool_id: str,
    snapshot: int | None,
    prompt_version: int | None,
    strategy: str,
) -> int | None:
    """Number of the newest ranking of a strategy, put aside or not, inside a transaction."""
    wanted = {"pool": pool_id, "snapshot": snapshot, "prompt_version": prompt_version}
    return connection.scalar(_NEWEST, wanted | {"strategy": strategy})


def no_ranking_of_strategy(pool_id: str, strategy: str) -> FailedPreconditionError:
    """The error for a lease that names a strategy which has not ranked what is active."""
    return FailedPreconditionError(
        f"strategy '{strategy}' has not ranked pool '{pool_id}' with the active prompt version: "
        f"start a rescore run with strategy {strategy}, such as 'poolscore rescore {pool_id} "
        f"--strategy {strategy}'",
        reason="NO_RANKING",
        pool=pool_id,
        strategy=strategy,
    )


def activate(
    catalog: Catalog,
    pool_id: str,
    snapshot: int,
    prompt_version: int,
    ranking: int,
    *,
    over: Collection[int] | None = None,
    run: Run | None = None,
) -> None:
    """Switch snapshot, prompt version and ranking of a pool in one transaction.

    `over` are the versions whose place it may take beside its own; None: any. So a training that
    was judged against one version does not undo a rollback to another. `run` is what made the
    ranking: an attempt of it that was given to another worker does not undo what came afterwards.

    Raises NotFoundError RANKING_NOT_FOUND, InvalidInputError RANKING_MISMATCH when the ranking was
    not made from this snapshot and prompt version, FailedPreconditionError CLASSES_DIFFER when that
    version was made for other classes than the pool has now, and AbortedError SNAPSHOT_SUPERSEDED
    when a newer snapshot has become active meanwhile, since going back would hide its images,
    PROMPTS_SUPERSEDED when another version of the pool's classes is in force, or RUN_LOST when
    another attempt of the run has begun.
    """
    with catalog.write() as connection:
        pool = sql.lock_pool(connection, pool_id)
        if run is not None:
            check_attempt(connection, run)
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
        check_classes(read_prompt_version(connection, pool_id, prompt_version), pool.classes)
        if over is not None and _is_superseded(connection, pool, {prompt_version, *over}):
            raise AbortedError(
                f"prompt version {pool.active_prompt_version} of pool '{pool_id}' became active "
                f"while version {prompt_version} was made or ranked; start the run again",
                reason="PROMPTS_SUPERSEDED",
            )
        changed = sql.touch_pool(
            connection,
            pool,
            utcnow(),
            active_snapshot=snapshot,
            active_prompt_version=prompt_version,
            active_ranking=ranking,
        )
        name = f"pools/{pool_id}/rankings/{ranking}"
        write_event(connection, pool_id, Action.ACTIVATE, name, {"pools": [changed]})


def _is_superseded(connection: Connection, pool: Row[Any], expected: Collection[int]) -> bool:
    """Whether another version is in force; one of other classes gives way."""
    active = pool.active_prompt_version
    if active is None or active in expected:
        return False
    return list(read_prompt_version(connection, pool.pool_id, active).classes) == pool.classes


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


def _produced(pool_id: str, prompt_version: int) -> Select[Any]:
    """Rankings of a version that were made to be active, newest first."""
    columns, aside = rankings.c, aside_rankings.c
    is_aside = exists().where(aside.pool_id == columns.pool_id, aside.number == columns.number)
    return (
        select(rankings)
        .where(columns.pool_id == pool_id, columns.prompt_version == prompt_version, ~is_aside)
        .order_by(columns.number.desc())
    )


def _ranking(row: RowMapping) -> Ranking:
    return Ranking(**row)
