"""Score the cached embeddings by a prompt version and switch to the new ranking."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from pipelines.embeddings import OpenEmbeddings, ScoredPool
from pipelines.places import Store
from pipelines.rank import RankRequest, rank
from pipelines.scan import scan
from pipelines.stopwatch import Stopwatch
from poolscore.errors import AbortedError, FailedPreconditionError
from poolscore.prompts.artefact import load_prompts
from poolscore.store import files
from poolscore.store.catalog import Catalog
from poolscore.store.pools import get_pool
from poolscore.store.prompt_versions import get_prompt_version
from poolscore.store.rankings import activate
from poolscore.store.records import Pool, Ranking, StageSeconds
from poolscore.store.snapshots import get_snapshot

OnMessage = Callable[[str], None]


@dataclass(frozen=True)
class RescoreOutcome:
    """The ranking that is active now."""

    ranking: Ranking
    stages: tuple[StageSeconds, ...]


def rescore_pool(
    catalog: Catalog,
    store: Store,
    pool_id: str,
    *,
    snapshot: int | None = None,
    prompt_version: int | None = None,
    strategy: str = "",
    seed: int | None = None,
    on_message: OnMessage = lambda _: None,
    open_embeddings: OpenEmbeddings | None = None,
) -> RescoreOutcome:
    """Score, rank and activate; what is not given is what the pool has active.

    Embeddings are read from their shards unless `open_embeddings` knows a better place.

    What is not given may change meanwhile; then it is done again with what is active now.
    Raises FailedPreconditionError POOL_NOT_EMBEDDED before the first embedding run; AbortedError
    SNAPSHOT_SUPERSEDED when a newer snapshot than the one given became active.
    """
    while True:
        pool = get_pool(catalog, pool_id)
        chosen = pool.active_snapshot if snapshot is None else snapshot
        version = pool.active_prompt_version if prompt_version is None else prompt_version
        if chosen is None or version is None:
            raise FailedPreconditionError(
                f"pool '{pool_id}' has no embeddings yet: run 'poolscore embed {pool_id} SOURCE'",
                reason="POOL_NOT_EMBEDDED",
            )
        request = RankRequest(chosen, version, strategy, seed)
        try:
            return _rescore(
                catalog,
                store,
                pool,
                request,
                prompt_version is None,
                on_message,
                open_embeddings or partial(scan, store),
            )
        except AbortedError as error:
            superseded = error.reason == "SNAPSHOT_SUPERSEDED" and snapshot is None
            if not superseded and error.reason != "PROMPTS_SUPERSEDED":
                raise


def _rescore(
    catalog: Catalog,
    store: Store,
    pool: Pool,
    request: RankRequest,
    keep_version: bool,
    on_message: OnMessage,
    open_embeddings: OpenEmbeddings,
) -> RescoreOutcome:
    record = get_snapshot(catalog, pool.pool_id, request.snapshot)
    prompts = get_prompt_version(catalog, pool.pool_id, request.prompt_version)
    watch = Stopwatch()
    with watch.stage("score"):
        on_message("scoring the cached embeddings")
        filesystem, root = store
        trained, _ = load_prompts(filesystem, files.absolute(root, prompts.uri))
        embeddings = open_embeddings(record)
        scored = ScoredPool(embeddings, embeddings.score(trained.features))
    with watch.stage("rank"):
        on_message("ranking")
        ranking = rank(catalog, store, pool, scored, request)
    with watch.stage("activate"):
        on_message("switching")
        activate(
            catalog,
            pool.pool_id,
            request.snapshot,
            request.prompt_version,
            ranking.number,
            keep_version=keep_version,
        )
    return RescoreOutcome(ranking, watch.stages)
