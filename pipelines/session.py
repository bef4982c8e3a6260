"""Embedding runs of a command line: begin one, or go on with the one that was stopped."""

from collections.abc import Callable, Sequence
from contextlib import suppress

from pipelines.config import EmbedConfig
from pipelines.embed import EmbedOutcome, run_embed
from pipelines.embed_spec import embed_spec
from pipelines.heartbeat import Heartbeat
from pipelines.places import Store
from pipelines.progress import OnProgress
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
    owner = process_owner()
    run = begin_run(catalog, pool_id, RunKind.EMBED, embed_spec(sources, prune), owner)
    heartbeat = Heartbeat(catalog, run, owner)

    def report(progress: RunProgress) -> None:
        heartbeat.report(progress)
        on_progress(progress)

    def stop() -> bool:
        return should_stop() or heartbeat.should_stop()

    try:
        with heartbeat:
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
    except AbortedError as error:
        _end(catalog, run, RunState.CANCELLED, error.message)
        raise
    except BaseException as error:
        _end(catalog, run, RunState.FAILED, str(error) or type(error).__name__)
        raise
    finish_run(
        catalog,
        run,
        owner,
        RunState.SUCCEEDED,
        snapshot=outcome.snapshot.number,
        prompt_version=outcome.prompt_version,
        ranking=outcome.ranking,
        progress=outcome.progress,
        stages=outcome.stages,
    )
    return outcome


def _end(catalog: Catalog, run: Run, state: RunState, error: str) -> None:
    # Whoever took the run over, or closed it, decides its state now.
    with suppress(AbortedError):
        finish_run(catalog, run, process_owner(), state, error)
