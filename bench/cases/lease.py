"""Leases of 64 annotators at once, who answer what they lease, from a pool of a million."""

import functools
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import psutil

from bench.benchmark import Benchmark, Measurement
from bench.cases.rollback import seed
from bench.lease_load import CLIENTS, ITEMS, LEASES_PER_S
from poolscore.config import Settings
from poolscore.store import files
from poolscore.store.catalog import Catalog
from services.serve import start_service

IMAGES, SECONDS, WARM_S = 1_000_000, 300, 30
P50_MS, P99_MS = 10.0, 25.0
POOL = "leased"
_SAMPLE_S = 5.0
_GROWTH = 1.1
"""Memory of the API's process at the end, in that after the first fifth, at most."""


@functools.cache
def _run() -> dict[str, Any]:
    """The calls' times, and the memory of the API's process while they were answered.

    Raises AssertionError when a call failed, an item was leased twice, an answer was refused, or
    the memory grew.
    """
    with tempfile.TemporaryDirectory(prefix="poolscore-bench-") as home:
        settings = Settings(home=Path(home), scorers=0)
        catalog, store = Catalog.open(settings.catalog_url), files.open_store(settings.store_uri)
        seed(catalog, store, POOL, IMAGES)
        catalog.close()
        os.sync()  # else the disk is busy with the pool while it should keep answers
        service = start_service(settings, port=0)
        try:
            # The workers load torch meanwhile, and the replica the ranking.
            generate(service.address, WARM_S, Path(home) / "warm.json")
            with sampled_memory() as memory:
                seen = generate(service.address, SECONDS, Path(home) / "seen.json")
        finally:
            service.stop()
    assert not seen["errors"], seen["errors"][:3]
    assert len(set(seen["items"])) == len(seen["items"]) == ITEMS * seen["leased"]
    assert seen["acknowledged"] == len(seen["items"]), "an answer was refused"
    early, late = memory[len(memory) // 5], median(memory[-5:])
    assert late <= _GROWTH * early, f"the API's process grew from {early:.3f} to {late:.3f} GiB"
    return seen | {"memory": memory}


def generate(address: str, seconds: float, into: Path) -> dict[str, Any]:
    """What the clients of `bench.lease_load`, in a process of their own, have seen."""
    arguments = [address, POOL, str(seconds), str(into)]
    subprocess.run(
        [sys.executable, "-m", "bench.lease_load", *arguments], check=True, timeout=seconds + 120
    )
    return json.loads(into.read_text())


@contextmanager
def sampled_memory() -> Generator[list[float]]:
    """GiB resident in the process of the API's replica, every few seconds."""
    named = [p for p in psutil.process_iter(["cmdline"]) if "ServeReplica" in _command(p)]
    mine = [process for process in named if psutil.Process() in process.parents()]
    sampled, ended = list[float](), threading.Event()

    def sample() -> None:
        while not ended.wait(_SAMPLE_S):
            sampled.append(sum(process.memory_info().rss for process in mine) / 2**30)

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield sampled
    finally:
        ended.set()
        thread.join()


def _command(process: psutil.Process) -> str:
    return " ".join(process.info["cmdline"] or ())


def _measure(percent: int, most_ms: float) -> Measurement:
    seen = _run()
    details: dict[str, object] = {"calls": len(seen["lease"]) + len(seen["label"])}
    for kind in ("lease", "label"):
        times = 1e3 * np.array([took for _, took in seen[kind]])
        shares = {f"p{p:g}": float(np.percentile(times, p)) for p in (50, 90, 99, 99.9)}
        details[kind] = shares | {"max": float(times.max()), "calls": len(times)}
    details["memory_gib"] = [round(each, 4) for each in seen["memory"]]
    lease = 1e3 * np.array([took for _, took in seen["lease"]])
    value = float(np.percentile(lease, percent))
    return Measurement(value, most_ms / value, float(lease.min()), details)


_WORKLOAD = (
    f"{CLIENTS} clients for {SECONDS} s over gRPC: {LEASES_PER_S} leases of {ITEMS} a second, each "
    f"answered by a call of its own; SQLite, pool of {IMAGES:,} images; percentile {{}} of leases, "
    "from the moment a call was due"
)

BENCHMARKS = tuple(
    Benchmark(
        name=f"lease_p{percent}_ms",
        workload=_WORKLOAD.format(percent),
        unit="ms",
        peer=f"a budget of {most_ms:.0f} ms",
        floor=1.0,
        measure=functools.partial(_measure, percent, most_ms),
    )
    for percent, most_ms in ((50, P50_MS), (99, P99_MS))
)
