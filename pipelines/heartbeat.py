"""Says every second that a run's worker lives, carries its progress, and hears of cancellation."""

import logging
import threading
from contextvars import copy_context
from types import TracebackType

from poolscore.errors import PoolscoreError
from poolscore.store import run_queue
from poolscore.store.catalog import Catalog
from poolscore.store.records import Run, RunProgress

INTERVAL_S = 1.0

_log = logging.getLogger(__name__)


class StopFlag:
    """Whether a run was cancelled or taken over, so that its job must end.

    Plain data: Ray Data pickles what an execution refers to, and an Event has a lock.
    """

    def __init__(self) -> None:
        """Nobody asked to stop yet."""
        self._asked = False

    def ask(self) -> None:
        """Ask the job to end."""
        self._asked = True

    def __call__(self) -> bool:
        """Say whether the job must end."""
        return self._asked


class Heartbeat:
    """A thread beside a running job; a context manager around it."""

    def __init__(self, catalog: Catalog, run: Run, owner: str) -> None:
        """Beat for `run`, which `owner` holds."""
        self._catalog, self._run, self._owner = catalog, run, owner
        self._progress: RunProgress | None = None
        self._ended = threading.Event()
        self.should_stop = StopFlag()
        # Its log lines are about the same run.
        self._thread = threading.Thread(
            target=copy_context().run, args=(self._beat,), name="heartbeat", daemon=True
        )

    def __enter__(self) -> "Heartbeat":
        """Begin to beat."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop beating; afterwards nothing more is written."""
        self._ended.set()
        self._thread.join()

    @property
    def progress(self) -> RunProgress | None:
        """What was reported last."""
        return self._progress

    def report(self, progress: RunProgress) -> None:
        """Note how far the job is; the next beat writes it."""
        self._progress = progress

    def _beat(self) -> None:
        while not self._ended.wait(INTERVAL_S):
            try:
                alive = run_queue.heartbeat(self._catalog, self._run, self._owner, self._progress)
            except PoolscoreError as error:
                # The run stays ours until it is stale; a later beat may get through.
                _log.warning("no heartbeat for %s: %s", self._run.name, error.message)
                continue
            if not alive:
                self.should_stop.ask()
                return
