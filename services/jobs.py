"""What a worker does for each kind of run: calls a pipeline and says how it ended."""

import functools

from pipelines.cluster import quieten
from pipelines.embed import run_embed
from pipelines.encode_stage import check_digest
from pipelines.heartbeat import Heartbeat
from pipelines.rebuild_graph import rebuild_graph
from pipelines.rescore import rescore_pool
from pipelines.sources.roots import SourceRoots
from pipelines.train import train_pool
from poolscore.config import Settings
from poolscore.encoder.encoder import Encoder
from poolscore.encoder.load import load_encoder
from poolscore.encoder.spec import EncoderSpec
from poolscore.errors import AbortedError
from poolscore.prompts.config import parse_config
from poolscore.store.catalog import Catalog
from poolscore.store.files import open_store
from poolscore.store.pools import get_pool
from poolscore.store.records import Run, RunKind, RunProgress, RunState
from services.api import names
from services.outcome import Outcome
from services.scorers import opener


def execute(
    catalog: Catalog, store_uri: str, run: Run, heartbeat: Heartbeat, source_roots: str
) -> Outcome:
    """Execute a run to its end; one that was asked to stop ends as CANCELLED.

    `source_roots` is the setting. Raises what the pipelines raise.
    """
    try:
        match run.kind:
            case RunKind.EMBED:
                return _embed(catalog, store_uri, run, heartbeat, source_roots)
            case RunKind.RESCORE:
                return _rescore(catalog, store_uri, run, heartbeat)
            case RunKind.TRAIN:
                return _train(catalog, store_uri, run, heartbeat)
            case RunKind.NEIGHBOURS:
                return _neighbours(catalog, store_uri, run, heartbeat)
    except AbortedError as error:
        if error.reason != "RUN_STOPPED":
            raise
        return Outcome(RunState.CANCELLED, progress=heartbeat.progress)


def _embed(
    catalog: Catalog, store_uri: str, run: Run, heartbeat: Heartbeat, source_roots: str
) -> Outcome:
    quieten()
    outcome = run_embed(
        catalog,
        open_store(store_uri),
        run.pool_id,
        run.spec["sources"],
        run,
        heartbeat.report,
        heartbeat.should_stop,
        encoder=_encoder_of(catalog, run.pool_id),
        prune=run.spec.get("prune", False),
        roots=SourceRoots(source_roots),
    )
    return Outcome(
        RunState.SUCCEEDED,
        snapshot=outcome.snapshot.number,
        prompt_version=outcome.prompt_version,
        ranking=outcome.ranking,
        progress=outcome.progress,
        stages=outcome.stages,
    )


def _rescore(catalog: Catalog, store_uri: str, run: Run, heartbeat: Heartbeat) -> Outcome:
    version: int | None = None
    if run.spec.get("prompt_version"):
        _, version = names.parse_numbered(run.spec["prompt_version"], names.PROMPT_VERSIONS)
    outcome = rescore_pool(
        catalog,
        open_store(store_uri),
        run.pool_id,
        prompt_version=version,
        strategy=run.spec.get("strategy", ""),
        on_message=lambda text: _report(heartbeat, RunProgress(message=text)),
        open_embeddings=opener(store_uri),
        encoder=functools.partial(_encoder_of, catalog, run.pool_id),
        run=run,
    )
    return Outcome(
        RunState.SUCCEEDED,
        prompt_version=outcome.ranking.prompt_version,
        ranking=outcome.ranking.number,
        progress=heartbeat.progress,
        stages=outcome.stages,
    )


def _train(catalog: Catalog, store_uri: str, run: Run, heartbeat: Heartbeat) -> Outcome:
    _report(heartbeat, RunProgress(message="loading the encoder"))
    outcome = train_pool(
        catalog,
        open_store(store_uri),
        run.pool_id,
        functools.partial(_report, heartbeat),
        _encoder_of(catalog, run.pool_id),
        parse_config(Settings().training),
        open_embeddings=opener(store_uri),
        run=run,
    )
    promotion = outcome.prompt_version.promotion
    said = heartbeat.progress if promotion is None else RunProgress(message=promotion.reason)
    return Outcome(
        RunState.SUCCEEDED,
        prompt_version=outcome.prompt_version.number,
        ranking=outcome.ranking.number,
        progress=said,
        stages=outcome.stages,
        promoted=promotion is None or promotion.promoted,
    )


def _neighbours(catalog: Catalog, store_uri: str, run: Run, heartbeat: Heartbeat) -> Outcome:
    outcome = rebuild_graph(
        catalog,
        open_store(store_uri),
        run.pool_id,
        run.spec["k"],
        functools.partial(_report, heartbeat),
    )
    return Outcome(
        RunState.SUCCEEDED,
        snapshot=outcome.graph.snapshot,
        progress=heartbeat.progress,
        stages=outcome.stages,
    )


def _report(heartbeat: Heartbeat, progress: RunProgress) -> None:
    """Note progress of a pipeline that calls back between its steps, and stop it there if asked."""
    heartbeat.report(progress)
    if heartbeat.should_stop():
        raise AbortedError("the run was stopped", reason="RUN_STOPPED")


def encoder(spec: EncoderSpec) -> Encoder:
    """Load an encoder, or return it when it was the one used last; raises as `load_encoder`."""
    return _load(spec.model_dump_json())


@functools.lru_cache(maxsize=1)
def _load(spec: str) -> Encoder:
    # Loading takes longer than a small training run.
    return load_encoder(EncoderSpec.model_validate_json(spec))


def _encoder_of(catalog: Catalog, pool_id: str) -> Encoder:
    pool = get_pool(catalog, pool_id)
    loaded = encoder(pool.encoder)
    check_digest(pool.encoder_digest, loaded.digest)
    return loaded
