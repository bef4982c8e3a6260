"""From the call that activates an earlier prompt version to a lease from its stored ranking."""

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import numpy as np
import numpy.typing as npt
import torch

from bench.benchmark import Benchmark, Measurement
from bench.written_pool import SHARD, write_snapshot
from pipelines.places import Store
from pipelines.rescore import rescore_pool
from poolscore.client import Client
from poolscore.config import Settings
from poolscore.encoder.spec import EncoderSpec
from poolscore.prompts.artefact import save_prompts
from poolscore.prompts.trained import zero_shot_prompts
from poolscore.store import files
from poolscore.store.catalog import Catalog
from poolscore.store.pools import create_pool
from poolscore.store.prompt_versions import add_prompt_version
from poolscore.store.snapshots import add_snapshot
from services.serve import start_service

IMAGES, CLASSES, WIDTH, TOP, ROUNDS, SECONDS = 1_000_000, 50, 384, 100, 5, 1.0
POOL = "rolled-back"
_DIGEST = "e" * 64


def measure() -> Measurement:
    """The slowest of rollbacks to version 0, each after version 1 was leased from."""
    with tempfile.TemporaryDirectory(prefix="poolscore-bench-") as home:
        settings = Settings(home=Path(home), scorers=0)
        catalog, store = Catalog.open(settings.catalog_url), files.open_store(settings.store_uri)
        seed(catalog, store, POOL, IMAGES)
        catalog.close()
        service = start_service(settings, port=0)
        try:
            with Client(service.address, timeout_s=120.0) as client:
                seconds = [roll_back(client, POOL, TOP) for _ in range(1 + ROUNDS)]
        finally:
            service.stop()
    # Mostly the first: the replica reads the ranking's file, which it has in memory afterwards.
    value = max(seconds)
    return Measurement(value, SECONDS / value, min(seconds), {"seconds": seconds})


def roll_back(client: Client, pool: str, top: int) -> float:
    """Go forward to version 1, then back; seconds from the call back to a lease.

    Raises AssertionError unless the lease holds the top of the stored ranking, byte for byte.
    """
    versions = [f"pools/{pool}/promptVersions/{number}" for number in (0, 1)]
    later = client.activate(versions[1])
    client.release_batch(client.lease(pool, top, "bench").name)
    runs = len(client.list_runs(pool))
    start = perf_counter()
    earlier = client.activate(versions[0])
    batch = client.lease(pool, top, "bench")
    seconds = perf_counter() - start
    stored = [item.SerializeToString() for item in client.ranking(earlier.ranking, limit=top)]
    leased = [item.SerializeToString() for item in batch.items]
    client.release_batch(batch.name)
    assert batch.ranking == earlier.ranking != later.ranking, (batch.ranking, later.ranking)
    assert leased == stored, "the lease is not the top of the stored ranking"
    assert len(client.list_runs(pool)) == runs, "the rollback started a run"
    return seconds


def seed(catalog: Catalog, store: Store, pool_id: str, images: int) -> None:
    """A pool with two prompt versions and a ranking of each; version 1 is active."""
    spec = EncoderSpec()
    names = [f"class {number}" for number in range(CLASSES)]
    pool = create_pool(catalog, pool_id, names, "", spec, _DIGEST, "margin", 0)
    generator = torch.Generator().manual_seed(0)
    written = write_snapshot(store, pool_id, spec, _DIGEST, _shards(images, generator))
    add_snapshot(
        catalog, pool_id, written.manifest_uri, written.manifest_sha256, images, 0, _DIGEST
    )
    folder = files.prompts_dir(store[1], pool_id)
    for number in range(2):
        positive_CD = torch.nn.functional.normalize(
            torch.randn(CLASSES, WIDTH, generator=generator), dim=1
        )
        prompts = replace(zero_shot_prompts(positive_CD, 100.0), seed=number)
        digest, path = save_prompts(store[0], folder, prompts, {"pool": pool.pool_id})
        parent = None if number == 0 else number - 1
        uri = files.relative(store[1], path)
        add_prompt_version(catalog, pool_id, digest, uri, number, number, parent, {})
        rescore_pool(catalog, store, pool_id, snapshot=1, prompt_version=number)


def _shards(images: int, generator: torch.Generator) -> Iterator[npt.NDArray[np.float16]]:
    for start in range(0, images, SHARD):
        rows = min(SHARD, images - start)
        drawn = torch.randn(rows, WIDTH, generator=generator)
        yield torch.nn.functional.normalize(drawn, dim=1).half().numpy()


BENCHMARKS = (
    Benchmark(
        name="rollback_1m_seconds",
        workload=(
            f"ActivatePromptVersion of the version before, to a lease of {TOP} from its stored "
            f"ranking over gRPC: pool of {IMAGES:,} images, {CLASSES} classes, rankings of 100,000"
        ),
        unit="s",
        peer=f"a budget of {SECONDS:.0f} s",
        floor=1.0,
        measure=measure,
    ),
)
