"""From committed shards to a registered snapshot."""

import hashlib
from collections import Counter
from collections.abc import Sequence

from pipelines.kept_shards import count_changed, keep_shards
from pipelines.overlap import repeated
from pipelines.places import LISTING_SHARD, RunPlaces, Store
from pipelines.plan import Base, Plan, dropped_ids
from pipelines.progress import ShardCounter
from poolscore.errors import FailedPreconditionError
from poolscore.store import files
from poolscore.store.catalog import Catalog
from poolscore.store.manifest import (
    Changes,
    Manifest,
    ShardEntry,
    commit_manifest,
    load_manifest,
    sort_shards,
)
from poolscore.store.read_each import read_each
from poolscore.store.records import Pool, Run, RunProgress, Snapshot, utcnow
from poolscore.store.shards import read_table
from poolscore.store.snapshots import add_snapshot, find_snapshot, latest_snapshot
from poolscore.store.verify import verify_snapshot


def latest_base(catalog: Catalog, store: Store, pool_id: str) -> Base | None:
    """The pool's newest snapshot, on which the next one builds.

    The newest one may not be active: its run may have died before it had ranked it.
    """
    snapshot = latest_snapshot(catalog, pool_id)
    if snapshot is None:
        return None
    manifest = load_manifest(*store, snapshot.manifest_uri, snapshot.manifest_sha256)
    return snapshot.number, manifest


def committed_snapshot(
    catalog: Catalog, store: Store, run: Run, places: RunPlaces
) -> Snapshot | None:
    """The snapshot of a run that was killed after it had written its manifest.

    None also when another run was committed before this manifest was registered: nobody has seen
    it, and it would hide the other's images, so it is removed and made anew. Only the run's own
    manifest is looked at: `places` are those that the run has claimed.
    """
    filesystem, root = store
    path = files.manifest_path(root, run.pool_id, places.key)
    if not filesystem.get_file_info(path).is_file:
        return None
    data = files.read_bytes(filesystem, path)
    uri, sha256 = files.relative(root, path), hashlib.sha256(data).hexdigest()
    registered = find_snapshot(catalog, run.pool_id, sha256)
    if registered is not None:
        return registered
    manifest = load_manifest(filesystem, root, uri)
    newest = latest_snapshot(catalog, run.pool_id)
    if (newest and newest.number) != manifest.base:
        filesystem.delete_file(path)
        return None
    return register(catalog, run, uri, sha256, manifest)


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

    It shares the shards of the newest snapshot, less the rows that the run replaces or prunes.
    Raises FailedPreconditionError RUN_INCOMPLETE, TOO_MANY_REJECTS, SNAPSHOT_INVALID or
    BASE_SUPERSEDED; the shards are kept.
    """
    filesystem, root = store
    places = counter.places
    entries, rejects = _own_shards(store, plan, counter)
    number, base = latest_base(catalog, store, pool.pool_id) or (None, None)
    _check_rejects(plan, rejects, base, max_reject_ratio)
    kept = keep_shards(store, places, base, dropped_ids(places))
    shards = sort_shards([*entries, *kept.shards])
    written = [files.absolute(root, entry.path) for entry in entries]
    changes = Changes(
        known=plan.known,
        new=plan.total - plan.again,
        changed=count_changed(store, written, kept.dropped),
        missing=plan.missing,
    )
    manifest = Manifest(
        pool=pool.pool_id,
        run=run.number,
        base=number,
        encoder=pool.encoder,
        encoder_digest=pool.encoder_digest,
        dim=dim,
        shards=shards,
        embedded=sum(shard.embedded for shard in shards),
        rejected=sum(shard.rejected for shard in shards),
        rejects=dict(rejects + kept.rejects),
        sources=_sources(base, plan.sources),
        changes=changes,
        created=utcnow(),
    )
    verify_snapshot(filesystem, root, manifest)
    uri, sha256 = commit_manifest(filesystem, root, manifest, places.key)
    return register(catalog, run, uri, sha256, manifest)


def committed_progress(store: Store, places: RunPlaces, snapshot: Snapshot) -> RunProgress:
    """What the run itself has put into its snapshot, all of it in an earlier attempt."""
    filesystem, root = store
    manifest = load_manifest(filesystem, root, snapshot.manifest_uri, snapshot.manifest_sha256)
    folder = files.relative(root, places.shards)
    own = [shard for shard in manifest.shards if shard.path.startswith(f"{folder}/")]
    rejects: Counter[str] = Counter()
    for shard in own:
        if shard.rejected:
            path = files.absolute(root, shard.path)
            reasons = read_table(filesystem, path, ["reject_reason"])["reject_reason"]
            rejects.update(reasons.drop_null().to_pylist())
    rows = sum(shard.rows for shard in own)
    return RunProgress(
        total=rows,
        done=rows,
        resumed=rows,
        rejects=dict(rejects),
        message="committed",
        **manifest.changes.model_dump(),
    )


def register(catalog: Catalog, run: Run, uri: str, sha256: str, manifest: Manifest) -> Snapshot:
    """Add a committed manifest to the catalog. Raises FailedPreconditionError BASE_SUPERSEDED."""
    return add_snapshot(
        catalog,
        run.pool_id,
        uri,
        sha256,
        manifest.embedded,
        manifest.rejected,
        manifest.encoder_digest,
        run.number,
        after=manifest.base or 0,
    )


def is_complete(store: Store, plan: Plan, counter: ShardCounter) -> bool:
    """Whether every planned input has its row; looks at the ids only when it may be so."""
    return counter.rows >= plan.total and _rows(_distinct(store, counter)[0]) == plan.total


def _own_shards(
    store: Store, plan: Plan, counter: ShardCounter
) -> tuple[list[ShardEntry], Counter[str]]:
    counter.update()
    entries, rejects = _distinct(store, counter)
    if _rows(entries) != plan.total:
        raise FailedPreconditionError(
            f"the shards hold {_rows(entries):,} rows for {plan.total:,} inputs; run the same "
            "command again",
            reason="RUN_INCOMPLETE",
        )
    _, root = store
    own = [
        entry.model_copy(update={"path": files.relative(root, path)})
        for path, entry in entries.items()
    ]
    return own, rejects


def _rows(entries: dict[str, ShardEntry]) -> int:
    return sum(entry.rows for entry in entries.values())


def _distinct(store: Store, counter: ShardCounter) -> tuple[dict[str, ShardEntry], Counter[str]]:
    """The shards without those whose ids all stand elsewhere.

    A worker of a killed attempt may commit one shard after the next attempt has read the
    checkpoint; that attempt embeds its ids again, so one of the two is superfluous.
    """
    filesystem, _ = store
    entries, rejects = dict(counter.entries), Counter(counter.rejects)
    # What was refused while listing is written once, in a shard that no worker writes.
    written = sorted(path for path in entries if not path.endswith(f"/{LISTING_SHARD}"))
    columns = read_each(lambda path: read_table(filesystem, path, ["id"])["id"], written)
    ids = dict(zip(written, columns, strict=True))
    count = repeated(ids)
    for path in written if count else ():
        own = ids[path].to_pylist()
        if all(count[item] > 1 for item in own):
            count.subtract(own)
            reasons = read_table(filesystem, path, ["reject_reason"])["reject_reason"]
            rejects.subtract(reasons.drop_null().to_pylist())
            del entries[path]
    return entries, rejects


def too_many(rejected: int, plan: Plan, base: Manifest | None, limit: float) -> bool:
    """Whether the run, and with it the snapshot, has too large a share of rejects to be committed.

    So a bad file may join a good pool, and a good source a pool whose rejects were accepted.
    """
    earlier, rows = (base.rejected, base.embedded + base.rejected) if base else (0, 0)
    return rejected > limit * plan.total and earlier + rejected > limit * (rows + plan.total)


def _check_rejects(plan: Plan, rejects: Counter[str], base: Manifest | None, limit: float) -> None:
    rejected = rejects.total()
    if too_many(rejected, plan, base, limit):
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in rejects.most_common())
        raise FailedPreconditionError(
            f"{rejected:,} of {plan.total:,} inputs of {_named(plan.sources)} were rejected "
            f"({reasons}), more than the limit of {limit:.0%}; nothing was committed: mend the "
            "source and run the same again, which begins anew, or accept them with 'poolscore "
            "embed ... --max-rejects 1', which keeps what is embedded",
            reason="TOO_MANY_REJECTS",
        )


def _named(sources: Sequence[str]) -> str:
    others = f" and {len(sources) - 1:,} other sources" if len(sources) > 1 else ""
    return f"'{sources[0]}'{others}"


def _sources(base: Manifest | None, sources: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*(base.sources if base else ()), *sources]))
