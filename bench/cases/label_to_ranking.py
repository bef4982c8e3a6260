"""From an acknowledged label to a batch of the ranking that has learned from it."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import numpy as np
import numpy.typing as npt
import torch

from bench.benchmark import Benchmark, Measurement
from bench.written_pool import SHARD, write_snapshot
from pipelines.prompt_zero import prompts_in_force, register_prompt_zero
from pipelines.rescore import rescore_pool
from poolscore.client import Client
from poolscore.config import Settings
from poolscore.encoder.encoder import Encoder
from poolscore.encoder.load import load_encoder
from poolscore.encoder.spec import EncoderSpec
from poolscore.store import files
from poolscore.store.catalog import Catalog
from poolscore.store.pools import create_pool
from poolscore.store.snapshots import add_snapshot
from poolscore.v1.label_service_pb2 import Answer, LabelInput
from services.serve import start_service

IMAGES, CLASSES, ROUNDS, SECONDS = 1_000_000, 50, 4, 10.0
POOL = "million"
_NAMES = (Path(__file__).parent / "flowers.txt").read_text().splitlines()[:CLASSES]


def measure() -> Measurement:
    """Median of the rounds after the first, which loads encoder and embeddings."""
    with tempfile.TemporaryDirectory(prefix="poolscore-bench-") as home:
        settings = Settings(home=Path(home))
        _seed(settings)
        service = start_service(settings, port=0)
        try:
            with Client(service.address) as client:
                rounds = [_round(client) for _ in range(1 + ROUNDS)]
        finally:
            service.stop()
    seconds = [total for total, _ in rounds]
    stages = [stage for _, stage in rounds[1:]]
    value = float(np.median(seconds[1:]))
    training = float(np.median([stage.get("train", 0.0) for stage in stages]))
    details = {"first_s": seconds[0], "seconds": seconds[1:], "stages": stages}
    return Measurement(value, SECONDS / value, training, details)


def _round(client: Client) -> tuple[float, dict[str, float]]:
    """Label a batch; seconds until a lease comes from what was learned, and the run's stages."""
    batch = client.lease(POOL, CLASSES, "bench")
    labels = [
        LabelInput(item=leased.name, answer=Answer(label=_NAMES[row % CLASSES]), batch=batch.name)
        for row, leased in enumerate(batch.items)
    ]
    before = client.get_pool(POOL).active_prompt_version
    results = client.submit_labels(POOL, labels)
    acknowledged = perf_counter()
    assert all(result.event for result in results.results), results
    for version in client.watch_prompt_versions(POOL):
        if version.name != before:
            break
    fresh = client.lease(POOL, CLASSES, "bench")
    seconds = perf_counter() - acknowledged
    assert fresh.ranking != batch.ranking
    client.release_batch(fresh.name)
    run = client.list_runs(POOL, limit=1)[0]
    return seconds, {stage.stage: stage.seconds for stage in run.stages}


def _seed(settings: Settings) -> None:
    """A pool as an embedding run would leave it, without photographs."""
    catalog, store = Catalog.open(settings.catalog_url), files.open_store(settings.store_uri)
    encoder = load_encoder(EncoderSpec())
    spec = encoder.spec.model_copy(update={"precision": encoder.precision})
    pool = create_pool(catalog, POOL, _NAMES, "a photo of a {}.", spec, encoder.digest, "", CLASSES)
    written = write_snapshot(store, POOL, pool.encoder, encoder.digest, _shards(encoder))
    add_snapshot(
        catalog, POOL, written.manifest_uri, written.manifest_sha256, IMAGES, 0, encoder.digest
    )
    zero, _ = prompts_in_force(catalog, store, pool, encoder)
    version = register_prompt_zero(catalog, store, pool, zero)
    rescore_pool(catalog, store, POOL, snapshot=1, prompt_version=version)
    catalog.close()


def _shards(encoder: Encoder) -> Iterator[npt.NDArray[np.float16]]:
    """Unit vectors around twenty times each class name."""
    centres = encoder.encode_texts([f"a photo of {name}" for name in _NAMES * 20])
    generator = torch.Generator().manual_seed(0)
    for start in range(0, IMAGES, SHARD):
        rows = min(SHARD, IMAGES - start)
        groups = torch.randint(len(centres), (rows,), generator=generator)
        noise = torch.randn(rows, encoder.dim, generator=generator) * 0.06
        yield torch.nn.functional.normalize(centres[groups] + noise, dim=1).half().numpy()


BENCHMARKS = (
    Benchmark(
        name="label_to_ranking_seconds",
        workload=(
            f"{CLASSES} labels over gRPC to a lease from the ranking that learned from them: pool "
            f"of {IMAGES:,} images, {CLASSES} classes, the shipped encoder, default strategy"
        ),
        unit="s",
        peer=f"a budget of {SECONDS:.0f} s",
        floor=1.0,
        measure=measure,
    ),
)
