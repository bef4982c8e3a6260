"""Score the cached embeddings by a prompt version, rank them and mostly switch to the ranking."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial

from pipelines.embeddings import OpenEmbeddings, ScoredPool
from pipelines.metrics import count_scored
from pipelines.places import Store
from pipelines.prompt_zero import version_for_classes
from pipelines.rank import RankRequest, rank
from pipelines.scan import scan
from pipelines.stopwatch import Stopwatch
from poolscore.encoder.encoder import Encoder
from poolscore.errors import AbortedError, FailedPreconditionError
from poolscore.prompts.artefact import load_prompts
from poolscore.store import files
from poolscore.store.catalog import Catalog
from poolscore.store.pools import get_pool
from poolscore.store.prompt_versions import check_classes, get_prompt_version
from poolscore.store.rankings import activate
from poolscore.store.records import Pool, Ranking, Run, StageSeconds
from poolscore.store.snapshots import get_snapshot

OnMessage = Callable[[str], None]


@dataclass(frozen=True)
class RescoreOutcome:
    """The ranking that was made."""

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
    switch: bool = True,
    over: Collection[int] | None = None,
    on_message: OnMessage = lambda _: None,
    open_embeddings: OpenEmbeddings | None = None,
    encoder: Callable[[], Encoder] | None = None,
    run: Run | None = None,
) -> RescoreOutcome:
    """Score, rank and activate; what is not given is what the pool has active.

    With a `strategy` the ranking is put aside for leases that name it, and nothing is activated.
    Without `switch` the ranking waits for its version to be activated. A given version may take the
    place of those in `over`, None: of any.

    Zero-shot prompts take the place of an active version that was made for other classes than the
    pool has now; `encoder` is asked only to make these (`version_for_classes`). Embeddings are read
    from their shards unless `open_embeddings` knows a better place.

    What is not given may change meanwhile; then it is done again with what is active now. An
    attempt of a `run` that was given to another worker activates nothing.

    Raises FailedPreconditionError POOL_NOT_EMBEDDED before the first embedding run, CLASSES_DIFFER
    when the given version was made for other classes; AbortedError SNAPSHOT_SUPERSEDED when a newer
    snapshot than the one given became active, PROMPTS_SUPERSEDED when a version is in force that
    the given one may not replace, RUN_LOST when another attempt of the run has begun.
    """
    while True:
        pool = get_pool(catalog, pool_id)
        chosen = pool.active_snapshot if snapshot is None else snapshot
        if chosen is None:
            raise FailedPreconditionError(
                f"pool '{pool_id}' has no embeddings yet: run 'poolscore embed {pool_id} SOURCE'",
                reason="POOL_NOT_EMBEDDED",
            )
        if prompt_version is None:
            version = version_for_classes(catalog, store, pool, encoder)
        else:
            version = prompt_version
            check_classes(get_prompt_version(catalog, pool_id, version), pool.classes)
        request = RankRequest(chosen, version, strategy, seed)
        try:
            return _rescore(
                catalog,
                store,
                pool,
                request,
                switch and not strategy,
                () if prompt_version is None else over,
                on_message,
                open_embeddings or partial(scan, store),
                run,
            )
        except (AbortedError, FailedPreconditionError) as error:
            again = {
                "SNAPSHOT_SUPERSEDED": snapshot is None,
                "PROMPTS_SUPERSEDED": prompt_version is None,
                "CLASSES_DIFFER": prompt_version is None,
            }
            if not again.get(error.reason, False):
                raise


def _rescore(
    catalog: Catalog,
    store: Store,
    pool: Pool,
    request: RankRequest,
    switch: bool,
    over: Collection[int] | None,
    on_message: OnMessage,
    open_embeddings: OpenEmbeddings,
    run: Run | None,
) -> RescoreOutcome:
    watch = Stopwatch()
    with watch.stage("score"):
        on_message("scoring the cached embeddings")
        scored = scored_pool(catalog, store, pool, request, open_embeddings)
        count_scored(len(scored))
    with watch.stage("rank"):
        on_message("ranking")
        aside = bool(request.strategy)
        ranking = rank(catalog, store, pool, scored, request, aside=aside)
    if not switch:
        return RescoreOutcome(ranking, watch.stages)
    with watch.stage("activate"):
        on_message("switching")
        activate(
            catalog,
            pool.pool_id,
            request.snapshot,
            request.prompt_version,
            ranking.number,
            over=over,
            run=run,
        )
    return RescoreOutcome(ranking, watch.stages)


def scored_pool(
    catalog: Catalog,
    store: Store,
    pool: Pool,
    request: RankRequest,
    open_embeddings: OpenEmbeddings,
) -> ScoredPool:
    """Every image of the snapshot, scored by the prompt version of the request."""
    record = get_snapshot(catalog, pool.pool_id, request.snapshot)
    prompts = get_prompt_version(catalog, pool.pool_id, request.prompt_version)
    filesystem, root = store
    trained, _ = load_prompts(filesystem, files.absolute(root, prompts.uri))
    embeddings = open_embeddings(record)
    return ScoredPool(embeddings, embeddings.score(trained.features))
