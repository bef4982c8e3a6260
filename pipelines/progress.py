"""How far an embedding run is, counted from the shards that are committed."""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace

from pipelines.places import LISTING_SHARD, RunPlaces
from poolscore.store.manifest import ShardEntry
from poolscore.store.records import RunProgress
from poolscore.store.shards import read_table

OnProgress = Callable[[RunProgress], None]

WINDOW_S = 20.0
"""The rate is that of so many last seconds."""


class ShardCounter:
    """Rows and rejects of the committed shards of a run; looks at every shard once."""

    def __init__(self, places: RunPlaces) -> None:
        """Begin with what is committed at the first `update`."""
        self.places = places
        self._seen: set[str] = set()
        self.entries: dict[str, ShardEntry] = {}
        """By path in the file system."""
        self.rejects: Counter[str] = Counter()
        """Rejected images by reason."""

    @property
    def rows(self) -> int:
        """Embedded and rejected."""
        return sum(entry.rows for entry in self.entries.values())

    def update(self) -> None:
        """Count the shards that are new."""
        places = self.places
        listing = f"{places.shards}/{LISTING_SHARD}"
        if not self.entries and places.filesystem.get_file_info(listing).is_file:
            self._count(listing)
        fresh = [name for name in places.committed() if name not in self._seen]
        if not fresh:
            return
        self._seen.update(fresh)
        for path in places.shards_of(fresh):
            self._count(path)

    def _count(self, path: str) -> None:
        reasons = read_table(self.places.filesystem, path, ["reject_reason"]).column(0)
        rejected = len(reasons) - reasons.null_count
        self.entries[path] = ShardEntry(
            path=path, rows=len(reasons), embedded=len(reasons) - rejected, rejected=rejected
        )
        self.rejects.update(reason for reason in reasons.to_pylist() if reason is not None)


class ProgressMeter:
    """Turns counts into progress with a rate and the time left."""

    def __init__(self, total: int, resumed: int, found: RunProgress | None = None) -> None:
        """`resumed` of `total` rows were there before this attempt; `found` counts the others."""
        self._found = found or RunProgress()
        self._total = total
        self._resumed = resumed
        self._recent: deque[tuple[float, int]] = deque([(time.monotonic(), resumed)])

    def read(self, counter: ShardCounter, message: str = "") -> RunProgress:
        """Progress now."""
        now, done = time.monotonic(), counter.rows
        self._recent.append((now, done))
        while len(self._recent) > 2 and self._recent[1][0] < now - WINDOW_S:
            self._recent.popleft()
        then, before = self._recent[0]
        rate = (done - before) / (now - then) if now > then else 0.0
        return replace(
            self._found,
            total=self._total,
            done=done,
            resumed=self._resumed,
            rejects=dict(counter.rejects),
            rate=rate,
            seconds_left=(self._total - done) / rate if rate > 0 else -1.0,
            message=message,
        )


@contextmanager
def reported(
    counter: ShardCounter, meter: ProgressMeter, on_progress: OnProgress, poll_s: float
) -> Generator[None]:
    """Call `on_progress` from a thread while the block runs, and once more at its end.

    What it raises ends the reports at once, and is raised when the block has ended well.
    """
    ended = threading.Event()
    failures: list[Exception] = []

    def watch() -> None:
        try:
            last = False
            while not last:
                last = ended.wait(poll_s)
                counter.update()
                on_progress(meter.read(counter, "embedding"))
        except Exception as error:
            failures.append(error)

    on_progress(meter.read(counter, "starting"))
    thread = threading.Thread(target=watch, name="embed-progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    if failures:
        raise failures[0]
