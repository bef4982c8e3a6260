"""A worker: claims runs from the catalog, one after the other, and executes them."""

import importlib
import logging
import os
import threading
import uuid
from collections.abc import Sequence
from time import perf_counter

from structlog.contextvars import bound_contextvars

from pipelines.heartbeat import Heartbeat
from poolscore.access.caller import Caller, Role, act_as
from poolscore.errors import PoolscoreError
from poolscore.store import run_queue
from poolscore.store.catalog import Catalog
from poolscore.store.due_training import queue_due_training
from poolscore.store.records import Run, RunKind, RunState
from services.api import names
from services.metrics import count_run
from services.outcome import Outcome
from services.told import told

POLL_S = 5.0
"""How often an idle worker looks by itself; the API wakes it at once."""

_log = logging.getLogger(__name__)


class Worker:
    """What a worker actor runs: a thread that executes runs of some kinds, for ever.

    The owner's name says host and process (`poolscore.store.owners`): when Ray restarts the actor,
    or somebody the whole service, the run of the dead process is claimed at once.
    """

    def __init__(
        self,
        owner: str,
        kinds: Sequence[RunKind],
        catalog_url: str,
        store_uri: str,
        source_roots: str = "",
    ) -> None:
        """Start working as `owner` on runs of `kinds`; `source_roots` is the setting."""
        self._owner, self._kinds, self._store_uri = owner, tuple(kinds), store_uri
        self._source_roots = source_roots
        self._catalog = Catalog.open(catalog_url)
        self._wake = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="worker", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Look for a run now."""
        self._wake.set()

    def close(self) -> None:
        """Claim no more runs; return when the present one has ended."""
        self._closed = True
        self._wake.set()
        self._thread.join()

    def _work(self) -> None:
        act_as(Caller(self._owner, Role.OPERATOR, None))
        try:
            # Ray Data and torch take seconds to import: here, so that the first run need not wait
            # for them, and the process that starts the actor never loads them.
            importlib.import_module("services.jobs")
            while not self._closed:
                self._wake.clear()
                run = self._claim()
                if run is None:
                    self._wake.wait(POLL_S)
                else:
                    self._execute(run)
        except BaseException:
            # A worker without its thread would look alive and do nothing: let Ray restart it.
            _log.exception("the worker's loop broke")
            os._exit(1)

    def _claim(self) -> Run | None:
        try:
            return run_queue.claim_run(self._catalog, self._kinds, self._owner)
        except PoolscoreError as error:
            _log.warning("cannot look for runs: %s", error.message)
            return None

    def _execute(self, run: Run) -> None:
        kind, began = run.kind.lower(), perf_counter()
        asked = {}
        if version := run.spec.get("prompt_version"):
            asked["prompt_version"] = names.parse_numbered(version, names.PROMPT_VERSIONS)[1]
        with bound_contextvars(pool=run.pool_id, run=run.number, kind=kind, **asked):
            _log.info("run begins", extra={"attempt": run.attempts})
            with Heartbeat(self._catalog, run, self._owner) as heartbeat:
                outcome = self._outcome(run, heartbeat)
            seconds = perf_counter() - began
            if self._finish(run, outcome, heartbeat):
                _log_end(outcome, seconds)
                count_run(kind, outcome.state.lower(), seconds, promoted=outcome.promoted)

    def _finish(self, run: Run, outcome: Outcome, heartbeat: Heartbeat) -> bool:
        """Write the run's end; say whether it could be written."""
        try:
            run_queue.finish_run(
                self._catalog,
                run,
                self._owner,
                outcome.state,
                outcome.error,
                snapshot=outcome.snapshot,
                prompt_version=outcome.prompt_version,
                ranking=outcome.ranking,
                progress=outcome.progress or heartbeat.progress,
                stages=outcome.stages,
            )
            if run.kind is RunKind.TRAIN:
                # Answers that came while this run trained may be enough for the next one.
                queue_due_training(self._catalog, run.pool_id)
        except PoolscoreError as error:
            # Lost to another worker, or the catalog is away: then the run is claimed again.
            _log.warning("%s: its end could not be written: %s", run.name, error.message)
            return False
        return True

    def _outcome(self, run: Run, heartbeat: Heartbeat) -> Outcome:
        from services.jobs import execute

        try:
            return execute(self._catalog, self._store_uri, run, heartbeat, self._source_roots)
        except PoolscoreError as error:
            return Outcome(RunState.FAILED, error=told(error).message)
        except Exception as error:
            incident = uuid.uuid4().hex
            _log.exception("incident %s", incident, extra={"incident": incident})
            return Outcome(
                RunState.FAILED,
                error=f"{run.kind.lower()} run failed unexpectedly ({type(error).__name__}); "
                f"the worker's log has the details under incident {incident}",
            )


def _log_end(outcome: Outcome, seconds: float) -> None:
    level = logging.WARNING if outcome.state is RunState.FAILED else logging.INFO
    produced = {
        "snapshot": outcome.snapshot,
        "prompt_version": outcome.prompt_version,
        "ranking": outcome.ranking,
        "promoted": outcome.promoted,
        "error": outcome.error or None,
    }
    known = {name: value for name, value in produced.items() if value is not None}
    fields = {"state": outcome.state.lower(), "duration_s": round(seconds, 3)} | known
    _log.log(level, "run ended", extra=fields)
