"""A pool that takes over the embeddings of another: other classes or strategy, no pixels."""

from pipelines.commit import latest_manifest, register
from pipelines.places import Store
from poolscore.errors import FailedPreconditionError
from poolscore.store.catalog import Catalog
from poolscore.store.manifest import commit_manifest
from poolscore.store.pools import get_pool
from poolscore.store.records import Pool, Run, Snapshot, utcnow

_PREFIX = "pools/"


def is_pool(source: str) -> bool:
    """Whether a source names a pool, as `pools/{pool}`."""
    return source.startswith(_PREFIX)


def source_pool(source: str) -> str:
    """Id of the pool that such a source names."""
    return source.removeprefix(_PREFIX)


def share_snapshot(catalog: Catalog, store: Store, pool: Pool, run: Run, source: str) -> Snapshot:
    """Register a snapshot of `pool` that consists of the shards of the pool that `source` names.

    Raises NotFoundError POOL_NOT_FOUND; FailedPreconditionError POOL_NOT_EMBEDDED,
    ENCODER_MISMATCH, POOL_NOT_EMPTY.
    """
    other = get_pool(catalog, source_pool(source))
    manifest = latest_manifest(catalog, store, other.pool_id)
    if manifest is None:
        raise FailedPreconditionError(
            f"pool '{other.pool_id}' has no embeddings to share: run "
            f"'poolscore embed {other.pool_id} SOURCE' first",
            reason="POOL_NOT_EMBEDDED",
        )
    if other.encoder_digest != pool.encoder_digest:
        raise FailedPreconditionError(
            f"pools '{other.pool_id}' and '{pool.pool_id}' have different encoders "
            f"({other.encoder.model}, {pool.encoder.model}), so their embeddings cannot be shared",
            reason="ENCODER_MISMATCH",
        )
    if pool.active_snapshot is not None:
        raise FailedPreconditionError(
            f"pool '{pool.pool_id}' has embeddings of its own; share into a new pool",
            reason="POOL_NOT_EMPTY",
        )
    shared = manifest.model_copy(
        update={"pool": pool.pool_id, "run": run.number, "created": utcnow()}
    )
    uri, sha256 = commit_manifest(*store, shared)
    return register(catalog, run, uri, sha256, shared)
