"""Embedding runs of a command line: begin one, or go on with the one that was stopped."""

import time
from collections.abc import Callable
from contextlib import suppress

from pipelines.config import EmbedConfig
from pipelines.embed import EmbedOutcome, run_embed
from pipelines.places import Store
from pipelines.progress import OnProgress
from poolscore.errors import AbortedError, FailedPreconditionError, UnavailableError
from poolscore.store.catalog import Catalog
from poolscore.store.owners import owner_name
from poolscore.store.records import Run, RunKind, RunProgress, RunState
from poolscore.store.run_queue import claim_run, finish_run, heartbeat, reopen_run
from poolscore.store.runs import find_resumable_run, start_run

HEARTBEAT_S = 5.0
STALE_AFTER_S = 60.0
"""A worker on another machine is taken for dead after so long without a heartbeat."""


def process_owner() -> str:
    """Name of this process as the owner of a run."""
    return owner_name("cli")


def take_run(catalog: Catalog, pool_id: str, kind: RunKind, spec: dict[str, str]) -> Run:
    """Begin a run for this spec, or go on with the one that has not succeeded.

    Raises FailedPreconditionError RUN_IN_PROGRESS when a living process works on it.
    """
    owner = process_owner()
    run = find_resumable_run(catalog, pool_id, kind, spec)
    if run is None:
        return start_run(catalog, pool_id, kind, spec, owner=owner)
    if run.state in (RunState.FAILED, RunState.CANCELLED):
        return reopen_run(catalog, run, owner=owner)
    taken = claim_run(catalog, [kind], owner, STALE_AFTER_S, run=run)
    if taken is None:
        raise FailedPreconditionError(
            f"{run.name} does this already, under {run.owner}; wait for it, or stop it there",
            reason="RUN_IN_PROGRESS",
            run=run.name,
        )
    return taken


def embed_here(
    catalog: Catalog,
    store: Store,
    pool_id: str,
    source: str,
    on_progress: OnProgress,
    should_stop: Callable[[], bool],
    config: EmbedConfig | None = None,
    ray_address: str | None = None,
) -> EmbedOutcome:
    """Do an embedding run in this process and record it in the catalog.

    The same call goes on with a run that was stopped, killed or failed.
    Raises what `take_run` and `run_embed` raise.
    """
    run = take_run(catalog, pool_id, RunKind.EMBED, {"source": source})
    owner, pulse = process_owner(), _Pulse(catalog, run)

    def report(progress: RunProgress) -> None:
        pulse.beat(progress)
        on_progress(progress)

    def stop() -> bool:
        return should_stop() or pulse.lost

    try:
        outcome = run_embed(
            catalog,
            store,
            pool_id,
            source,
            run,
            report,
            stop,
            config,
            ray_address=ray_address,
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


class _Pulse:
    """Tells the catalog every few seconds that the run is alive, and hears of a cancellation."""

    def __init__(self, catalog: Catalog, run: Run) -> None:
        self._catalog = catalog
        self._run = run
        self._last = 0.0
        self.lost = False

    def beat(self, progress: RunProgress) -> None:
        if time.monotonic() - self._last < HEARTBEAT_S:
            return
        self._last = time.monotonic()
        # A catalog that is busy for a while is no reason to stop; a later beat gets through.
        with suppress(UnavailableError):
            self.lost = not heartbeat(self._catalog, self._run, process_owner(), progress)


def _end(catalog: Catalog, run: Run, state: RunState, error: str) -> None:
    # Whoever took the run over, or closed it, decides its state now.
    with suppress(AbortedError):
        finish_run(catalog, run, process_owner(), state, error)
