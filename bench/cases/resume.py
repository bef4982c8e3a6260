"""Time to resume: how soon a killed `poolscore embed` commits again, and what it repeats."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.benchmark import Benchmark, Measurement
from pipelines.config import EmbedConfig
from pipelines.places import RunPlaces
from poolscore.encoder.load import load_encoder
from poolscore.encoder.spec import EncoderSpec
from poolscore.store.catalog import Catalog
from poolscore.store.files import open_store
from poolscore.store.pools import create_pool, get_pool
from tests.kills.openings import Openings
from tests.photographs import write_photographs

IMAGES, KILLED_AT, ROUNDS = 2_000, 6, 3
"""Images, shards that are committed when the run is killed, repetitions."""
_COMMAND = "from poolscore.cli.main import main; main()"
_LOOK_S = 0.01
_DEADLINE_S = 300.0


@dataclass(frozen=True)
class _Round:
    """Seconds from the start of a process to the first shard that it commits."""

    fresh_s: float
    resumed_s: float
    repeated: int
    """Images opened by both."""


def measure() -> Measurement:
    """Kill in the middle, resume, and let it end."""
    digest = load_encoder(EncoderSpec()).digest
    with tempfile.TemporaryDirectory(prefix="poolscore-bench-") as folder:
        images = Path(folder) / "images"
        write_photographs(images, IMAGES)
        rounds = [_round(Path(folder) / str(n), images, digest) for n in range(ROUNDS)]
    fresh = median(each.fresh_s for each in rounds)
    resumed = median(each.resumed_s for each in rounds)
    details = {
        "fresh_s": [each.fresh_s for each in rounds],
        "resumed_s": [each.resumed_s for each in rounds],
        "images_embedded_twice": [each.repeated for each in rounds],
        "rows_per_shard": EmbedConfig().rows_per_shard,
    }
    return Measurement(resumed, fresh / resumed, fresh, details)


def _round(home: Path, images: Path, digest: str) -> _Round:
    home.mkdir()
    url, store = f"sqlite:///{home}/catalog.db", str(home / "store")
    catalog = Catalog.open(url)
    create_pool(catalog, "photos", ("a", "b"), "{}", EncoderSpec(), digest, "entropy", 0)
    places = RunPlaces.of(open_store(store), "photos", 1)
    command = [sys.executable, "-c", _COMMAND, "embed", "photos", str(images)]
    settings = {"POOLSCORE_CATALOG": url, "POOLSCORE_STORE": store, "RAY_ADDRESS": ""}
    environment = {**os.environ, **settings}
    with Openings(images) as openings:
        with _running(command, environment) as killed:
            fresh_s = _until_committed(killed, places, 1)
            _until_committed(killed, places, KILLED_AT)
        there = len(places.committed())
        with _running(command, environment) as resumed:
            resumed_s = _until_committed(resumed, places, there + 1)
            if resumed.wait(_DEADLINE_S) != 0:
                raise AssertionError("the resumed command failed")
        openings.read()
    if get_pool(catalog, "photos").counts.embedded != IMAGES:
        raise AssertionError("the resumed command did not embed every image")
    return _Round(fresh_s, resumed_s, openings.total - openings.images)


@contextmanager
def _running(command: list[str], environment: dict[str, str]) -> Generator[subprocess.Popen[bytes]]:
    """A process that does not outlive the block."""
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


def _until_committed(process: subprocess.Popen[bytes], places: RunPlaces, shards: int) -> float:
    """Seconds until so many shards are committed; nobody tells, so it looks again and again."""
    began = time.perf_counter()
    while len(places.committed()) < shards:
        seconds = time.perf_counter() - began
        if process.poll() is not None or seconds > _DEADLINE_S:
            raise AssertionError(f"{shards} shards were not committed after {seconds:.0f} s")
        time.sleep(_LOOK_S)
    return time.perf_counter() - began


BENCHMARKS = (
    Benchmark(
        name="resume_seconds",
        workload=f"`poolscore embed` of {IMAGES:,} photographs on a local Ray, killed at "
        f"{KILLED_AT} shards: from the start of the second process to the first shard it commits",
        unit="s",
        peer="the same of the first process, which has nothing to skip",
        floor=0.6,
        measure=measure,
    ),
)
