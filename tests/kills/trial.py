"""One embedding of a pool that is interrupted by kills until it is done."""

import select
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random

from poolscore.store import files
from tests.embedding_world import EmbeddingWorld
from tests.kills.driver import start_driver
from tests.kills.nodes import Nodes, kill, wait_gone
from tests.kills.openings import Openings
from tests.kills.points import Kind, Point, Stage

SILENCE_S = 150.0
"""A driver that opens no image for so long and does not end hangs."""
ERRORS = 5
"""Ends with an error, one after the other without a kill, after which a start helps no more."""
_LOOK_S = 0.02
"""Time between two looks at what no event tells: the manifest, and which encoders there are."""


@dataclass(frozen=True)
class Pace:
    """An undisturbed run."""

    seconds: dict[Stage, float]
    """Of each stage."""
    readable: int
    """Images that can be opened."""


@dataclass
class Kill:
    """A kill that happened."""

    point: Point
    images: int
    """Different images that had been opened."""
    at: float
    resumed_s: float | None = None
    """Seconds until an image was opened; None when none was before the next kill."""
    repeated: int = 0
    """Images opened again because of it."""


class Trial:
    """The embedding of one home on the nodes."""

    def __init__(
        self, world: EmbeddingWorld, images: Path, nodes: Nodes, openings: Openings, random: Random
    ) -> None:
        """Prepare; see `run`."""
        self._world, self._images, self._nodes = world, images, nodes
        self._openings, self._random = openings, random
        self._manifest = Path(files.manifest_path(world.store[1], "photos", 1))
        self._replacing: Future[None] | None = None
        self._pool = ThreadPoolExecutor(1)
        self.kills: list[Kill] = []
        self.errors: list[str] = []
        """Ends of the driver with an error, which a further start has overcome."""
        self.began: dict[Stage, float] = {}
        """When each stage was seen first."""
        self.ended = 0.0

    def run(self, pace: Pace | None = None, points: Sequence[Point] = ()) -> None:
        """Embed to the end; every point that is reached is a kill. The pace says when.

        Raises TimeoutError when nothing moves, RuntimeError when starting again does not help.
        """
        self._openings.begin()
        self._driver = self._start()
        waiting, helpless = deque(points), 0
        try:
            while True:
                if pace and waiting and self._reached(pace, waiting[0]):
                    self._strike(waiting.popleft())
                    helpless = 0
                elif self._driver.exitcode == 0:
                    break
                elif self._driver.exitcode is not None:
                    helpless += 1
                    self._start_after_error(helpless)
                else:
                    self._look(pace)
        finally:
            self._driver.kill()
            self._driver.join()
            self._replaced()
            self._pool.shutdown()
        self.ended = time.monotonic()
        for number, count in self._openings.repeated.items():
            if number >= 0:
                self.kills[number].repeated = count

    def _start(self) -> BaseProcess:
        self._started = self._moved = time.monotonic()
        self.began.setdefault(Stage.LISTING, self._started)
        return start_driver(self._world.home, self._images, self._nodes.address)

    def _start_after_error(self, helpless: int) -> None:
        log = (self._world.home / "driver.log").read_text()
        self.errors.append(log.strip().rpartition("\n")[2] or f"exit {self._driver.exitcode}")
        if helpless > ERRORS:
            raise RuntimeError(f"ended with errors again and again:\n{log[-4000:]}")
        self._driver = self._start()

    def _look(self, pace: Pace | None) -> None:
        """Wait a little for the next event and note what has changed."""
        select.select([self._openings.descriptor, self._driver.sentinel], [], [], _LOOK_S)
        before = self._openings.total
        self._openings.read()
        now = time.monotonic()
        if self._openings.total > before:
            self._moved = now
            self.began.setdefault(Stage.EMBEDDING, now)
            if self.kills and self.kills[-1].resumed_s is None:
                self.kills[-1].resumed_s = now - self.kills[-1].at
        if pace and self._openings.images >= pace.readable:
            self.began.setdefault(Stage.COMMITTING, now)
        if Stage.STARTING not in self.began and self._is_planned():
            self.began[Stage.STARTING] = now
        if Stage.RANKING not in self.began and self._manifest.exists():
            self.began[Stage.RANKING] = now
        if now - self._moved > SILENCE_S:
            log = (self._world.home / "driver.log").read_text()
            raise TimeoutError(f"nothing moved for {SILENCE_S:.0f} s:\n{log[-4000:]}")

    def _is_planned(self) -> bool:
        return Path(self._world.places().plan).exists()

    def _reached(self, pace: Pace, point: Point) -> bool:
        if point.stage is Stage.EMBEDDING:
            reached = self._openings.images > point.fraction * pace.readable
        else:
            since = self._since(pace, point.stage)
            wanted = point.fraction * pace.seconds[point.stage]
            reached = since is not None and time.monotonic() - since >= wanted
        return reached and (point.kind is not Kind.ACTOR or bool(self._nodes.encoders()))

    def _since(self, pace: Pace, stage: Stage) -> float | None:
        """When the stage began in this attempt."""
        if stage is Stage.LISTING:
            return self._started
        if stage is Stage.STARTING:
            return self._started + pace.seconds[Stage.LISTING]
        began = self.began.get(stage)
        return None if began is None else max(began, self._started)

    def _strike(self, point: Point) -> None:
        self._openings.read()
        killed = Kill(point, self._openings.images, time.monotonic())
        match point.kind:
            case Kind.DRIVER:
                encoders = self._nodes.encoders()
                self._driver.kill()
                self._driver.join()
                self._driver = self._start()
                # They end when they hear of the driver's death; what they open until then is
                # owed to this kill, and the next attempt opens nothing so soon.
                wait_gone(encoders)
            case Kind.ACTOR:
                encoder = self._random.choice(self._nodes.encoders())
                kill(encoder)
                wait_gone([encoder])
            case Kind.NODE:
                self._replaced()
                self._nodes.kill_node(self._random)
                self._replacing = self._pool.submit(self._nodes.add)
        self._openings.killed(everything=point.kind is Kind.DRIVER)
        self._moved = time.monotonic()
        self.kills.append(killed)

    def _replaced(self) -> None:
        """Wait until the node is there that replaces a killed one."""
        if self._replacing:
            self._replacing.result()
            self._replacing = None
