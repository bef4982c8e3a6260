"""The loop that keeps a pool and a project of Label Studio in step."""

import logging
import threading
from collections.abc import Callable

from poolscore.errors import PoolscoreError
from services.label_studio.queue import Queue
from services.label_studio.recording import Recorder

_log = logging.getLogger(__name__)
POLL_S = 10.0
"""Between two looks when nobody says that something has happened."""


class Bridge:
    """Records annotations and keeps the queue, in a thread of its own."""

    def __init__(self, connect: Callable[[], None], recorder: Recorder, queue: Queue) -> None:
        """Not started yet; `connect` is called first, when the bridge answers already."""
        self._connect, self._recorder, self._queue = connect, recorder, queue
        self._news, self._stopped = threading.Event(), False
        self._thread = threading.Thread(target=self._run, name="label-studio-bridge", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def look(self) -> None:
        """Something has happened in Label Studio: look soon."""
        self._news.set()

    def stop(self) -> None:
        """End after what is being done; nothing is lost, the next start goes on."""
        self._stopped = True
        self._news.set()
        self._thread.join()

    def sync(self) -> None:
        """One look. Raises PoolscoreError; the next one does what this one has left."""
        sent = self._recorder.record()
        if sent:
            _log.info("answers recorded", extra={"answers": sent})
        self._queue.keep(self._recorder.has_settled)

    def _run(self) -> None:
        self._attempt(self._connect)
        while not self._stopped:
            self._news.clear()
            self._attempt(self.sync)
            self._news.wait(POLL_S)

    def _attempt(self, step: Callable[[], None]) -> None:
        try:
            step()
        except PoolscoreError as error:
            _log.warning(error.message, extra={"reason": error.reason})
        except Exception:
            # What one answer of another program brings must not end the service.
            _log.exception("looking into Label Studio failed")
