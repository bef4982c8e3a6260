"""Seconds by stage."""

import time
from collections.abc import Generator
from contextlib import contextmanager

from poolscore.store.records import StageSeconds


class Stopwatch:
    """Measures named stages in order of execution."""

    def __init__(self) -> None:
        """Nothing is measured yet."""
        self._stages: list[StageSeconds] = []

    @property
    def stages(self) -> tuple[StageSeconds, ...]:
        """What has been measured."""
        return tuple(self._stages)

    @contextmanager
    def stage(self, name: str) -> Generator[None]:
        """Measure the block, also when it fails."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            self._stages.append(StageSeconds(name, time.perf_counter() - begin))
