"""A worker: claims runs from the catalog, one after the other, and executes them."""

import importlib
import logging
import os
import threading
import uuid
from collections.abc import Sequence

from pipelines.heartbeat import Heartbeat
from poolscore.errors import PoolscoreError
from poolscore.store import run_queue
from poolscore.store.catalog import Catalog
from poolscore.store.records import Run, RunKind, RunState
from services.auto_train import train_when_due
from services.outcome import Outcome

POLL_S = 5.0
"""How often an idle worker looks by itself; the API wakes it at once."""

_log = logging.getLogger(__name__)


class Worker:
    """What a worker actor runs: a thread that executes runs of some kinds, for ever.

    The owner's name says host and process (`poolscore.store.owners`): when Ray restarts the actor,
    or somebody the whole service, the run of the dead process is claimed at once.
    """

    def __init__(
        self, owner: str, kinds: Sequence[RunKind], catalog_url: str, store_uri: str
    ) -> None:
        """Start working as `owner` on runs of `kinds`."""
        self._owner, self._kinds, self._store_uri = owner, tuple(kinds), store_uri
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
        _log.info("%s: %s begins, attempt %d", run.name, run.kind, run.attempts)
        with Heartbeat(self._catalog, run, self._owner) as heartbeat:
            outcome = self._outcome(run, heartbeat)
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
                train_when_due(self._catalog, run.pool_id)
        except PoolscoreError as error:
            # Lost to another worker, or the catalog is away: then the run is claimed again.
            _log.warning("%s: its end could not be written: %s", run.name, error.message)

    def _outcome(self, run: Run, heartbeat: Heartbeat) -> Outcome:
        from services.jobs import execute

        try:
            return execute(self._catalog, self._store_uri, run, heartbeat)
        except PoolscoreError as error:
            return Outcome(RunState.FAILED, error=error.message)
        except Exception as error:
            incident = uuid.uuid4().hex
            _log.exception("%s: incident %s", run.name, incident)
            return Outcome(
                RunState.FAILED,
                error=f"{run.kind.lower()} run failed unexpectedly ({type(error).__name__}); "
                f"the worker's log has the details under incident {incident}",
            )
