"""An embedding run: list, embed what is new, commit a snapshot, find neighbours, rank it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pipelines.cluster import connect
from pipelines.commit import (
    commit,
    committed_progress,
    committed_snapshot,
    is_complete,
    latest_base,
    too_many,
)
from pipelines.config import EmbedConfig
from pipelines.embed_spec import named_pool
from pipelines.encode_stage import check_digest
from pipelines.execution import embed_to_shards
from pipelines.neighbours import FEWEST, make_graph
from pipelines.overlap import uncommit_overlaps
from pipelines.places import RunPlaces, Store
from pipelines.plan import Base, Plan, drops_what_is_back, is_outdated, load_plan, make_plan
from pipelines.progress import OnProgress, ProgressMeter, ShardCounter, reported
from pipelines.prompt_zero import prompts_in_force, register_prompt_zero
from pipelines.rescore import rescore_pool
from pipelines.share import share_snapshot
from pipelines.sources.resolve import check_sources
from pipelines.sources.roots import ANYWHERE, SourceRoots
from pipelines.stopping import check_stop
from pipelines.stopwatch import Stopwatch
from poolscore.encoder.encoder import Encoder
from poolscore.encoder.load import load_encoder
from poolscore.scoring.types import PromptFeatures
from poolscore.store.catalog import Catalog
from poolscore.store.manifest import load_manifest
from poolscore.store.neighbour_graphs import find_graph, newest_graph
from poolscore.store.pools import get_pool
from poolscore.store.records import Pool, Run, RunProgress, Snapshot, StageSeconds
from poolscore.store.shards import shard_schema
from poolscore.store.snapshots import latest_snapshot


@dataclass(frozen=True)
class EmbedOutcome:
    """What an embedding run leaves; the numbers are what the pool has active."""

    snapshot: Snapshot
    prompt_version: int
    ranking: int
    changed: bool
    """False when the sources held nothing new and the snapshot stayed."""
    progress: RunProgress
    stages: tuple[StageSeconds, ...]


@dataclass(frozen=True)
class _Job:
    """The parts that the steps of one run share."""

    catalog: Catalog
    store: Store
    run: Run
    places: RunPlaces
    encoder: Encoder
    config: EmbedConfig
    on_progress: OnProgress
    should_stop: Callable[[], bool]
    ray_address: str | None
    prune: bool
    roots: SourceRoots


def run_embed(
    catalog: Catalog,
    store: Store,
    pool_id: str,
    sources: Sequence[str],
    run: Run,
    on_progress: OnProgress,
    should_stop: Callable[[], bool],
    config: EmbedConfig | None = None,
    encoder: Encoder | None = None,
    ray_address: str | None = None,
    prune: bool = False,
    roots: SourceRoots = ANYWHERE,
) -> EmbedOutcome:
    """Embed what of `sources` the pool does not hold yet, or holds in another version.

    What the pool has from them and they have no longer stays, unless it is to be pruned. What they
    name outside of `roots` is rejected unread.

    Connects to Ray (see `cluster.connect`) when there is something to embed and no connection yet.
    The same run again goes on where it stopped: the list of inputs is frozen at the first attempt
    and no committed row is embedded twice. `on_progress` is called from another thread. The
    caller ends the run in the catalog. Raises AbortedError RUN_STOPPED when `should_stop` turned
    true; InvalidInputError for a source that cannot be listed; PermissionDeniedError
    SOURCE_NOT_ALLOWED for one outside of `roots`; FailedPreconditionError ENCODER_CHANGED,
    TOO_MANY_REJECTS, PLAN_UNPROTECTED, PRUNE_UNSAFE; UnavailableError NO_PROGRESS, TOO_FEW_CPUS.
    """
    watch = Stopwatch()
    pool = get_pool(catalog, pool_id)
    with watch.stage("load"):
        encoder = encoder or load_encoder(pool.encoder)
        check_digest(pool.encoder_digest, encoder.digest)
        trained, features = prompts_in_force(catalog, store, pool, encoder)
    places = RunPlaces.claim(store, run)
    config = config or EmbedConfig()
    job = _Job(
        catalog=catalog,
        store=store,
        run=run,
        places=places,
        encoder=encoder,
        config=config,
        on_progress=on_progress,
        should_stop=should_stop,
        ray_address=ray_address,
        prune=prune,
        roots=roots,
    )
    snapshot = committed_snapshot(catalog, store, run, places)
    progress, other = RunProgress(), named_pool(sources)
    if snapshot is not None:
        progress = committed_progress(store, places, snapshot)
    if snapshot is None and other is not None:
        with watch.stage("share"):
            snapshot = share_snapshot(catalog, store, pool, run, places, other)
    if snapshot is None:
        check_stop(should_stop)
        with watch.stage("list"):
            plan = _plan(job, sources)
        check_stop(should_stop)
        snapshot, progress = _embed_planned(job, pool, plan, features, watch)
    places.remove_working_files()
    with watch.stage("neighbours"):
        _neighbours(job, snapshot, other, progress)
    version = register_prompt_zero(catalog, store, pool, trained)
    # Prompts may have been trained while this run embedded.
    pool = get_pool(catalog, pool_id)
    in_force = pool.active_prompt_version
    changed = snapshot.number > (pool.active_snapshot or 0)
    ranking = pool.active_ranking
    if changed or ranking is None:
        outcome = rescore_pool(
            catalog,
            store,
            pool_id,
            snapshot=snapshot.number,
            encoder=lambda: job.encoder,
        )
        ranking, version = outcome.ranking.number, outcome.ranking.prompt_version
        scoring = outcome.stages
    else:
        scoring, version = (), version if in_force is None else in_force
    return EmbedOutcome(
        snapshot=snapshot,
        prompt_version=version,
        ranking=ranking,
        changed=changed,
        progress=progress,
        stages=(*watch.stages, *scoring),
    )


def _neighbours(job: _Job, snapshot: Snapshot, shared: str | None, progress: RunProgress) -> None:
    """Grow the neighbour graph of the pool, or of the pool `shared` whose embeddings it shares."""
    pool_id = snapshot.pool_id
    if snapshot.embedded < FEWEST or find_graph(job.catalog, pool_id, snapshot.number) is not None:
        return
    earlier = newest_graph(job.catalog, pool_id)
    if earlier is None and shared is not None:
        earlier = newest_graph(job.catalog, shared)
    done = 0

    def on_rows(count: int) -> None:
        nonlocal done
        check_stop(job.should_stop)
        done += count
        job.on_progress(replace(progress, message=f"finding neighbours, {done:,} searches"))

    make_graph(job.catalog, job.store, snapshot, earlier=earlier, on_rows=on_rows)
    job.on_progress(replace(progress, message="committed"))


def _plan(job: _Job, sources: Sequence[str]) -> Plan:
    plan = load_plan(job.places)
    base = latest_base(job.catalog, job.store, job.run.pool_id)
    # A source whose rejects were too many has been mended, or nobody would ask again.
    if plan is not None and not (
        _refused(job, plan, base)
        or is_outdated(plan, job.places, job.store, base)
        or drops_what_is_back(plan, job.places, job.store, base, job.roots)
    ):
        return plan
    schema = shard_schema(job.encoder.dim, job.encoder.digest)
    found = check_sources(sources, job.roots)
    return make_plan(job.places, job.store, found, base, schema, job.prune, job.roots)


def _refused(job: _Job, plan: Plan, base: Base | None) -> bool:
    """Whether an earlier attempt embedded everything and was not committed for its rejects."""
    counter = ShardCounter(job.places)
    counter.update()
    limit = job.config.max_reject_ratio
    if not too_many(counter.rejects.total(), plan, base and base[1], limit):
        return False
    return is_complete(job.store, plan, counter)


def _embed_planned(
    job: _Job, pool: Pool, plan: Plan, features: PromptFeatures, watch: Stopwatch
) -> tuple[Snapshot, RunProgress]:
    newest = latest_snapshot(job.catalog, pool.pool_id)
    found = RunProgress(known=plan.known, new=plan.total - plan.again, missing=plan.missing)
    if plan.total == plan.dropped == 0 and newest is not None:
        return newest, found
    uncommit_overlaps(job.places)
    counter = ShardCounter(job.places)
    counter.update()
    resumed = counter.rows - plan.refused if job.places.committed() else 0
    meter = ProgressMeter(plan.total, resumed, found)
    with watch.stage("embed"), reported(counter, meter, job.on_progress, job.config.poll_s):
        if not is_complete(job.store, plan, counter):
            connect(job.ray_address)
            check_stop(job.should_stop)
            embed_to_shards(
                job.places,
                pool.encoder,
                pool.encoder_digest,
                job.encoder.preprocessing.geometry,
                features,
                shard_schema(job.encoder.dim, job.encoder.digest),
                job.config,
                job.should_stop,
            )
    check_stop(job.should_stop)
    with watch.stage("commit"):
        snapshot = commit(
            job.catalog,
            job.store,
            get_pool(job.catalog, pool.pool_id),
            job.run,
            plan,
            counter,
            job.encoder.dim,
            job.config.max_reject_ratio,
        )
    changes = load_manifest(*job.store, snapshot.manifest_uri, snapshot.manifest_sha256).changes
    return snapshot, replace(meter.read(counter, "committed"), changed=changes.changed)
