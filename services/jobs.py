"""What a worker does for each kind of run: calls a pipeline and says how it ended."""

from dataclasses import dataclass

from poolscore.errors import AbortedError, UnimplementedError
from poolscore.store.catalog import Catalog
from poolscore.store.files import open_store
from poolscore.store.records import Run, RunKind, RunProgress, RunState, StageSeconds
from services.api import names
from services.heartbeat import Heartbeat


@dataclass(frozen=True)
class Outcome:
    """How a run ended and what it produced."""

    state: RunState
    error: str = ""
    snapshot: int | None = None
    prompt_version: int | None = None
    ranking: int | None = None
    stages: tuple[StageSeconds, ...] = ()


def execute(catalog: Catalog, store_uri: str, run: Run, heartbeat: Heartbeat) -> Outcome:
    """Execute a run to its end; a cancelled one ends as CANCELLED.

    Raises what the pipelines raise.
    """
    try:
        match run.kind:
            case RunKind.RESCORE:
                return _rescore(catalog, store_uri, run, heartbeat)
            case _:
                raise UnimplementedError(f"this server cannot execute {run.kind} runs yet")
    except AbortedError as error:
        if error.reason == "RUN_STOPPED" and heartbeat.should_stop():
            return Outcome(RunState.CANCELLED)
        raise


def _rescore(catalog: Catalog, store_uri: str, run: Run, heartbeat: Heartbeat) -> Outcome:
    from pipelines.rescore import rescore_pool

    version: int | None = None
    if run.spec.get("prompt_version"):
        _, version = names.parse_numbered(run.spec["prompt_version"], names.PROMPT_VERSIONS)
    outcome = rescore_pool(
        catalog,
        open_store(store_uri),
        run.pool_id,
        prompt_version=version,
        strategy=run.spec.get("strategy", ""),
        on_message=lambda text: heartbeat.report(RunProgress(message=text)),
    )
    return Outcome(RunState.SUCCEEDED, ranking=outcome.ranking.number, stages=outcome.stages)
