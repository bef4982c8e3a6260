"""A pool that takes over the embeddings of another: other classes or strategy, no pixels."""

from pipelines.commit import latest_base, register
from pipelines.places import RunPlaces, Store
from poolscore.errors import FailedPreconditionError
from poolscore.store.catalog import Catalog
from poolscore.store.manifest import Changes, commit_manifest
from poolscore.store.pools import get_pool
from poolscore.store.records import Pool, Run, Snapshot, utcnow
from poolscore.store.snapshots import latest_snapshot


def share_snapshot(
    catalog: Catalog, store: Store, pool: Pool, run: Run, places: RunPlaces, pool_id: str
) -> Snapshot:
    """Register a snapshot of `pool` that consists of the shards of the pool `pool_id`.

    `places` are those that the run has claimed.
    Raises NotFoundError POOL_NOT_FOUND; FailedPreconditionError POOL_NOT_EMBEDDED,
    ENCODER_MISMATCH, POOL_NOT_EMPTY.
    """
    other = get_pool(catalog, pool_id)
    base = latest_base(catalog, store, other.pool_id)
    if base is None:
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
    if latest_snapshot(catalog, pool.pool_id) is not None:
        raise FailedPreconditionError(
            f"pool '{pool.pool_id}' has embeddings of its own; share into a new pool",
            reason="POOL_NOT_EMPTY",
        )
    own = {"pool": pool.pool_id, "run": run.number, "base": None, "created": utcnow()}
    shared = base[1].model_copy(update={**own, "changes": Changes()})
    uri, sha256 = commit_manifest(*store, shared, places.key)
    return register(catalog, run, uri, sha256, shared)
