"""From committed shards to a registered snapshot."""

import hashlib
from collections import Counter

import pyarrow as pa

from pipelines.places import Store
from pipelines.plan import Plan
from pipelines.progress import ShardCounter
from poolscore.errors import FailedPreconditionError
from poolscore.store import files
from poolscore.store.arrow import compute as pc
from poolscore.store.catalog import Catalog
from poolscore.store.manifest import (
    Manifest,
    ShardEntry,
    commit_manifest,
    load_manifest,
    sort_shards,
)
from poolscore.store.records import Pool, Run, Snapshot, utcnow
from poolscore.store.shards import read_table
from poolscore.store.snapshots import add_snapshot, get_snapshot
from poolscore.store.verify import verify_snapshot


def active_manifest(catalog: Catalog, store: Store, pool: Pool) -> Manifest | None:
    """Manifest of the pool's active snapshot."""
    if pool.active_snapshot is None:
        return None
    snapshot = get_snapshot(catalog, pool.pool_id, pool.active_snapshot)
    return load_manifest(*store, snapshot.manifest_uri, snapshot.manifest_sha256)


def committed_snapshot(catalog: Catalog, store: Store, run: Run) -> Snapshot | None:
    """The snapshot of a run that was killed after it had written its manifest."""
    filesystem, root = store
    path = files.manifest_path(root, run.pool_id, run.number)
    if not filesystem.get_file_info(path).is_file:
        return None
    data = files.read_bytes(filesystem, path)
    uri, sha256 = files.relative(root, path), hashlib.sha256(data).hexdigest()
    return register(catalog, run, uri, sha256, load_manifest(filesystem, root, uri))


def commit(
    catalog: Catalog,
    store: Store,
    pool: Pool,
    run: Run,
    plan: Plan,
    counter: ShardCounter,
    dim: int,
    max_reject_ratio: float,
) -> Snapshot:
    """Check that every input left one row, then commit and register the snapshot.

    It shares the shards of the active snapshot. Raises FailedPreconditionError RUN_INCOMPLETE,
    TOO_MANY_REJECTS or SNAPSHOT_INVALID; the shards are kept.
    """
    filesystem, root = store
    entries, rejects = _own_shards(store, plan, counter)
    _check_rejects(plan, rejects, max_reject_ratio)
    base = active_manifest(catalog, store, pool)
    shards = sort_shards([*entries, *(base.shards if base else ())])
    rejects.update(base.rejects if base else {})
    manifest = Manifest(
        pool=pool.pool_id,
        run=run.number,
        encoder=pool.encoder,
        encoder_digest=pool.encoder_digest,
        dim=dim,
        shards=shards,
        embedded=sum(shard.embedded for shard in shards),
        rejected=sum(shard.rejected for shard in shards),
        rejects=dict(rejects),
        sources=_sources(base, plan.source),
        created=utcnow(),
    )
    verify_snapshot(filesystem, root, manifest)
    uri, sha256 = commit_manifest(filesystem, root, manifest)
    return register(catalog, run, uri, sha256, manifest)


def known_ids(store: Store, manifest: Manifest | None) -> list[pa.Array]:
    """Ids of all rows of a snapshot, rejects included."""
    filesystem, root = store
    chunks: list[pa.Array] = []
    for shard in manifest.shards if manifest else ():
        table = read_table(filesystem, files.absolute(root, shard.path), ["id"])
        chunks.extend(table.column("id").chunks)
    return chunks


def register(catalog: Catalog, run: Run, uri: str, sha256: str, manifest: Manifest) -> Snapshot:
    """Add a committed manifest to the catalog."""
    return add_snapshot(
        catalog,
        run.pool_id,
        uri,
        sha256,
        manifest.embedded,
        manifest.rejected,
        manifest.encoder_digest,
        run.number,
    )


def _own_shards(
    store: Store, plan: Plan, counter: ShardCounter
) -> tuple[list[ShardEntry], Counter[str]]:
    counter.update()
    entries, rejects = dict(counter.entries), Counter(counter.rejects)
    if sum(entry.rows for entry in entries.values()) > plan.total:
        _drop_repeated(store, entries, rejects)
    rows = sum(entry.rows for entry in entries.values())
    if rows != plan.total:
        raise FailedPreconditionError(
            f"the shards hold {rows:,} rows for {plan.total:,} inputs; run the same command again",
            reason="RUN_INCOMPLETE",
        )
    _, root = store
    own = [
        entry.model_copy(update={"path": files.relative(root, path)})
        for path, entry in entries.items()
    ]
    return own, rejects


def _drop_repeated(store: Store, entries: dict[str, ShardEntry], rejects: Counter[str]) -> None:
    """Leave out shards whose ids all stand elsewhere.

    A worker of a killed attempt may commit one shard after the next attempt has read the
    checkpoint; that attempt embeds its ids again, so one of the two is superfluous.
    """
    filesystem, _ = store
    tables = {
        path: read_table(filesystem, path, ["id", "reject_reason"]) for path in sorted(entries)
    }
    count = Counter(each for table in tables.values() for each in table["id"].to_pylist())
    for path, table in tables.items():
        ids = table["id"].to_pylist()
        if all(count[each] > 1 for each in ids):
            count.subtract(ids)
            rejects.subtract(pc.drop_null(table["reject_reason"]).to_pylist())
            del entries[path]


def _check_rejects(plan: Plan, rejects: Counter[str], limit: float) -> None:
    rejected = rejects.total()
    if rejected > limit * plan.total:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in rejects.most_common())
        raise FailedPreconditionError(
            f"{rejected:,} of {plan.total:,} inputs of '{plan.source}' were rejected ({reasons}), "
            f"more than the limit of {limit:.0%}; nothing was committed and nothing is lost: mend "
            "the source, or run the same command with a higher --max-rejects",
            reason="TOO_MANY_REJECTS",
        )


def _sources(base: Manifest | None, source: str) -> tuple[str, ...]:
    earlier = base.sources if base else ()
    return earlier if source in earlier else (*earlier, source)
