"""Snapshots: register and read committed sets of shards."""

from sqlalchemy import Connection, RowMapping, select

from poolscore.errors import FailedPreconditionError, NotFoundError
from poolscore.store import sql
from poolscore.store.audit import Action, write_event
from poolscore.store.catalog import Catalog
from poolscore.store.records import Snapshot, utcnow
from poolscore.store.tables import snapshots


def add_snapshot(
    catalog: Catalog,
    pool_id: str,
    manifest_uri: str,
    manifest_sha256: str,
    embedded: int,
    rejected: int,
    encoder_digest: str,
    run: int | None = None,
    after: int | None = None,
) -> Snapshot:
    """Register a committed manifest; the same manifest again gives the same snapshot.

    So a run that was killed between the commit of its manifest and this call can simply go on.
    `after` is the snapshot that it builds on, 0 for none; FailedPreconditionError BASE_SUPERSEDED
    when another one is the newest by now, whose images this one would hide. None: not checked.
    """
    with catalog.write() as connection:
        sql.lock_pool(connection, pool_id)
        earlier = _by_manifest(connection, pool_id, manifest_sha256)
        if earlier is not None:
            return earlier
        number = sql.next_number(connection, snapshots.c.number, pool_id)
        if after is not None and number != after + 1:
            raise FailedPreconditionError(
                f"another run was committed into pool '{pool_id}' meanwhile; run the same command "
                "again: it lists its sources anew",
                reason="BASE_SUPERSEDED",
            )
        snapshot = Snapshot(
            pool_id=pool_id,
            number=number,
            manifest_uri=manifest_uri,
            manifest_sha256=manifest_sha256,
            embedded=embedded,
            rejected=rejected,
            encoder_digest=encoder_digest,
            run=run,
            create_time=utcnow(),
        )
        connection.execute(snapshots.insert().values(**vars(snapshot)))
        facts = {"snapshots": [{"number": number}]}
        write_event(connection, pool_id, Action.ADD_SNAPSHOT, snapshot.name, facts)
        return snapshot


def get_snapshot(catalog: Catalog, pool_id: str, number: int) -> Snapshot:
    """One snapshot. Raises NotFoundError POOL_NOT_FOUND or SNAPSHOT_NOT_FOUND."""
    query = select(snapshots).where(snapshots.c.pool_id == pool_id, snapshots.c.number == number)
    with catalog.read() as connection:
        sql.pool_row(connection, pool_id)
        row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise NotFoundError(
            f"there is no snapshot {number} in pool '{pool_id}'", reason="SNAPSHOT_NOT_FOUND"
        )
    return _snapshot(row)


def find_snapshot(catalog: Catalog, pool_id: str, manifest_sha256: str) -> Snapshot | None:
    """The snapshot of a manifest, None when it is not registered."""
    with catalog.read() as connection:
        return _by_manifest(connection, pool_id, manifest_sha256)


def latest_snapshot(catalog: Catalog, pool_id: str) -> Snapshot | None:
    """The newest snapshot of the pool."""
    query = select(snapshots).where(snapshots.c.pool_id == pool_id)
    with catalog.read() as connection:
        sql.pool_row(connection, pool_id)
        row = (
            connection.execute(query.order_by(snapshots.c.number.desc()).limit(1))
            .mappings()
            .one_or_none()
        )
    return None if row is None else _snapshot(row)


def _by_manifest(connection: Connection, pool_id: str, manifest_sha256: str) -> Snapshot | None:
    query = select(snapshots).where(
        snapshots.c.pool_id == pool_id, snapshots.c.manifest_sha256 == manifest_sha256
    )
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _snapshot(row)


def _snapshot(row: RowMapping) -> Snapshot:
    return Snapshot(**row)
