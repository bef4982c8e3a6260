"""The batch that another strategy would give now, with nothing leased and nothing stored."""

from collections.abc import Sequence
from functools import partial

from pipelines.embeddings import OpenEmbeddings
from pipelines.places import Store
from pipelines.previewed_batch import PreviewedBatch
from pipelines.rank import RankRequest, rank_rows
from pipelines.rescore import scored_pool
from pipelines.scan import scan
from poolscore.errors import FailedPreconditionError
from poolscore.store import sql
from poolscore.store.catalog import Catalog
from poolscore.store.free_ranks import check_size, focus_of, free_ranks
from poolscore.store.pools import get_pool
from poolscore.store.prompt_versions import get_prompt_version
from poolscore.store.ranking_file import RankedRows


def preview_batch(
    catalog: Catalog,
    store: Store,
    pool_id: str,
    size: int,
    strategy: str = "",
    classes: Sequence[str] = (),
    open_embeddings: OpenEmbeddings | None = None,
) -> PreviewedBatch:
    """What a rescore run with the strategy, and a lease of `size` from its ranking, would give now.

    The whole ranking is made, since what a strategy puts first depends on how much it ranks; so it
    costs what the run costs, seconds for a million images. An empty strategy is the pool's own. The
    active version predicts, and `classes` are names of its classes, also where the pool has others
    by now; what the budget leaves is not asked. Raises InvalidInputError INVALID_SIZE,
    UNKNOWN_STRATEGY or UNKNOWN_CLASS, NotFoundError POOL_NOT_FOUND or POOL_DELETED,
    FailedPreconditionError POOL_NOT_EMBEDDED.
    """
    check_size(size)
    pool = get_pool(catalog, pool_id)
    if pool.active_snapshot is None or pool.active_prompt_version is None:
        raise FailedPreconditionError(
            f"pool '{pool_id}' has no embeddings yet: run 'poolscore embed {pool_id} SOURCE'",
            reason="POOL_NOT_EMBEDDED",
        )
    version = get_prompt_version(catalog, pool_id, pool.active_prompt_version)
    focus = focus_of(classes, version.classes)
    request = RankRequest(pool.active_snapshot, version.number, strategy)
    scored = scored_pool(catalog, store, pool, request, open_embeddings or partial(scan, store))
    ranked = rank_rows(catalog, store, pool, scored, request)
    rows = RankedRows(ranked.table.combine_chunks())
    with catalog.read() as connection:
        ranks = free_ranks(connection, pool_id, rows, 0, size, focus, sql.clock(connection))
    return PreviewedBatch(
        items=rows.items(ranks),
        classes=version.classes,
        snapshot=request.snapshot,
        prompt_version=request.prompt_version,
        ranking=pool.active_ranking,
        strategy=ranked.strategy,
        parameters=ranked.parameters,
        seed=ranked.seed,
    )
