"""Runs of a command line: begin one, or go on with the one that was stopped."""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from pipelines.cluster import connect
from pipelines.config import EmbedConfig
from pipelines.embed import EmbedOutcome, run_embed
from pipelines.embed_spec import embed_spec
from pipelines.heartbeat import Heartbeat
from pipelines.places import Store
from pipelines.progress import OnProgress
from pipelines.rescore import OnMessage, RescoreOutcome, rescore_pool
from pipelines.spread import spread
from poolscore.errors import AbortedError
from poolscore.store.catalog import Catalog
from poolscore.store.owners import owner_name
from poolscore.store.records import Run, RunKind, RunProgress, RunState
from poolscore.store.run_queue import begin_run, finish_run


def process_owner() -> str:
    """Name of this process as the owner of a run."""
    return owner_name("cli")


def embed_here(
    catalog: Catalog,
    store: Store,
    pool_id: str,
    sources: Sequence[str],
    on_progress: OnProgress,
    should_stop: Callable[[], bool],
    config: EmbedConfig | None = None,
    ray_address: str | None = None,
    prune: bool = False,
) -> EmbedOutcome:
    """Do an embedding run in this process and record it in the catalog.

    The same call goes on with a run that was stopped, killed or failed.
    Raises what `begin_run` and `run_embed` raise.
    """
    with _recorded(catalog, pool_id, RunKind.EMBED, embed_spec(sources, prune)) as (run, heartbeat):

        def report(progress: RunProgress) -> None:
            heartbeat.report(progress)
            on_progress(progress)

        def stop() -> bool:
            return should_stop() or heartbeat.should_stop()

        outcome = run_embed(
            catalog,
            store,
            pool_id,
            sources,
            run,
            report,
            stop,
            config,
            ray_address=ray_address,
            prune=prune,
        )
    finish_run(
        catalog,
        run,
        process_owner(),
        RunState.SUCCEEDED,
        snapshot=outcome.snapshot.number,
        prompt_version=outcome.prompt_version,
        ranking=outcome.ranking,
        progress=outcome.progress,
        stages=outcome.stages,
    )
    return outcome


def rescore_here(
    catalog: Catalog,
    store: Store,
    pool_id: str,
    strategy: str = "",
    prompt_version: int | None = None,
    on_message: OnMessage = lambda _: None,
    ray_address: str | None = None,
) -> RescoreOutcome:
    """Score and rank a pool on the cluster at `ray_address`, or on a local Ray, and record the run.

    Raises what `begin_run`, `connect` and `rescore_pool` raise.
    """
    version = (
        {}
        if prompt_version is None
        else {"prompt_version": f"pools/{pool_id}/promptVersions/{prompt_version}"}
    )
    spec = version | ({"strategy": strategy} if strategy else {})
    with _recorded(catalog, pool_id, RunKind.RESCORE, spec) as (run, heartbeat):

        def report(text: str) -> None:
            heartbeat.report(RunProgress(message=text))
            on_message(text)
            if heartbeat.should_stop():
                raise AbortedError("the run was stopped", reason="RUN_STOPPED")

        connect(ray_address)
        outcome = rescore_pool(
            catalog,
            store,
            pool_id,
            prompt_version=prompt_version,
            strategy=strategy,
            on_message=report,
            open_embeddings=partial(spread, store),
            run=run,
        )
    finish_run(
        catalog,
        run,
        process_owner(),
        RunState.SUCCEEDED,
        prompt_version=outcome.ranking.prompt_version,
        ranking=outcome.ranking.number,
        progress=heartbeat.progress,
        stages=outcome.stages,
    )
    return outcome


@contextmanager
def _recorded(
    catalog: Catalog, pool_id: str, kind: RunKind, spec: Mapping[str, Any]
) -> Generator[tuple[Run, Heartbeat]]:
    """A run that is alive inside the block, and ended where the block raises."""
    owner = process_owner()
    run = begin_run(catalog, pool_id, kind, spec, owner)
    heartbeat = Heartbeat(catalog, run, owner)
    try:
        with heartbeat:
            yield run, heartbeat
    except AbortedError as error:
        _end(catalog, run, RunState.CANCELLED, error.message)
        raise
    except BaseException as error:
        _end(catalog, run, RunState.FAILED, str(error) or type(error).__name__)
        raise


def _end(catalog: Catalog, run: Run, state: RunState, error: str) -> None:
    # Whoever took the run over, or closed it, decides its state now.
    with suppress(AbortedError):
        finish_run(catalog, run, process_owner(), state, error)
