"""Photographs from files to committed shards, against the image tower alone."""

import functools
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt
import open_clip
import ray
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from bench.benchmark import Benchmark, Measurement, SkippedError
from bench.timing import seconds
from pipelines.cluster import connect
from pipelines.config import EmbedConfig
from pipelines.embed import run_embed
from poolscore.encoder.encoder import Encoder
from poolscore.encoder.load import load_encoder
from poolscore.encoder.random_weights import write_random_weights
from poolscore.encoder.spec import EMBEDDED_MODEL, EncoderSpec
from poolscore.images.decode import IMAGE_SUFFIXES
from poolscore.store import run_queue
from poolscore.store.catalog import Catalog
from poolscore.store.files import open_store
from poolscore.store.pools import create_pool
from poolscore.store.records import RunKind, RunProgress

MODEL, IMAGES, SAMPLE, PLAIN, ROUNDS, BATCH = "ViT-B-32", 5_000, 1_000, 256, 3, 64
FOLDER = Path(os.environ.get("BENCH_IMAGES", "../shared/data/grocery"))


def measure_vs_bare(model: str) -> Measurement:
    """Against the tower on pixels that are there already."""
    found = _measured(model)
    ratio = found.pipeline / found.bare
    return Measurement(ratio, ratio, 1.0, found.details)


def measure_vs_plain() -> Measurement:
    """Against what a script does."""
    found = _measured(MODEL)
    ratio = found.pipeline / found.plain
    return Measurement(ratio, ratio, found.bare / found.plain, found.details)


@dataclass(frozen=True)
class _Rates:
    """Images per second."""

    pipeline: float
    bare: float
    plain: float
    """Nan for a model that open_clip does not have."""
    details: dict[str, Any]


@functools.cache
def _measured(model: str) -> _Rates:
    photographs = _photographs()
    with tempfile.TemporaryDirectory(prefix="poolscore-bench-") as folder:
        spec = _spec(model, Path(folder))
        encoder = load_encoder(spec)
        pixels = np.stack([encoder.preprocess(_open(path)) for path in photographs[:SAMPLE]])
        connect()
        bare, plain = list[float](), list[float]()
        rates, starts, totals = list[float](), list[float](), list[float]()
        for number in range(ROUNDS):
            bare.append(_bare_rate(encoder, pixels))
            if model == MODEL:
                plain.append(_plain_rate(spec, photographs[:PLAIN]))
            rate, start, total = _embed(Path(folder) / str(number), spec, encoder, photographs)
            rates.append(rate)
            starts.append(start)
            totals.append(total)
        ray.shutdown()
    details = {
        "pipeline_per_s": rates,
        "bare_per_s": bare,
        "plain_fp32_per_s": plain,
        "first_shard_s": starts,
        "total_s": totals,
        "decode_ms": _decode_ms(encoder, photographs[:PLAIN]),
    }
    middle = [float(np.median(each)) if each else nan for each in (rates, bare, plain)]
    return _Rates(*middle, details=details)


def _embed(
    home: Path, spec: EncoderSpec, encoder: Encoder, photographs: Sequence[Path]
) -> tuple[float, float, float]:
    """Embed all; images per second after the first shard, when that came, seconds in all."""
    home.mkdir()
    source = home / "list.csv"
    source.write_text("\n".join(["path", *map(str, photographs)]))
    catalog, store = Catalog.open(f"sqlite:///{home}/catalog.db"), open_store(str(home / "store"))
    create_pool(catalog, "photos", ("a", "b"), "{}", spec, encoder.digest, "entropy", 0)
    run = run_queue.begin_run(catalog, "photos", RunKind.EMBED, {"sources": [str(source)]}, "bench")
    seen, began = list[tuple[float, int]](), perf_counter()

    def report(progress: RunProgress) -> None:
        seen.append((perf_counter() - began, progress.done))

    outcome = run_embed(
        catalog,
        store,
        "photos",
        [str(source)],
        run,
        report,
        lambda: False,
        EmbedConfig(poll_s=0.1),
        encoder,
    )
    total = perf_counter() - began
    if outcome.snapshot.embedded != len(photographs):
        raise AssertionError(f"{outcome.snapshot.rejected} photographs were rejected")
    first_s, first = next((when, done) for when, done in seen if done)
    return (len(photographs) - first) / (total - first_s), first_s, total


def _bare_rate(encoder: Encoder, pixels_N3SS: npt.NDArray[np.uint8]) -> float:
    """The tower with all threads on one batch after the other."""

    def loop() -> None:
        for start in range(0, len(pixels_N3SS), BATCH):
            encoder.encode_images(pixels_N3SS[start : start + BATCH])

    encoder.encode_images(pixels_N3SS[:BATCH])
    return len(pixels_N3SS) / seconds(loop)


class _Files(Dataset[torch.Tensor]):
    def __init__(self, photographs: Sequence[Path], transform: Any) -> None:
        self._photographs, self._transform = photographs, transform

    def __len__(self) -> int:
        return len(self._photographs)

    def __getitem__(self, index: int) -> torch.Tensor:
        return self._transform(_open(self._photographs[index]))


def _plain_rate(spec: EncoderSpec, photographs: Sequence[Path]) -> float:
    made: Any = open_clip.create_model_and_transforms(spec.model, pretrained=spec.pretrained)
    model, _, transform = made
    model.eval()
    loader = DataLoader(_Files(photographs, transform), batch_size=32, num_workers=2)

    def loop() -> None:
        with torch.inference_mode():
            for batch in loader:
                torch.nn.functional.normalize(model.encode_image(batch), dim=-1)

    return len(photographs) / seconds(loop)


def _decode_ms(encoder: Encoder, photographs: Sequence[Path]) -> float:
    """Milliseconds of one core for a photograph: read, decode, resize."""
    return 1e3 * seconds(lambda: [encoder.preprocess(_open(p)) for p in photographs]) / PLAIN


def _open(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")


def _spec(model: str, folder: Path) -> EncoderSpec:
    if model == EMBEDDED_MODEL:
        return EncoderSpec(precision="bf16")
    weights = write_random_weights(model, folder / "weights.safetensors")
    return EncoderSpec(model=model, pretrained=str(weights), precision="bf16")


def _photographs() -> list[Path]:
    found = sorted(path for path in FOLDER.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES)
    if len(found) < IMAGES:
        raise SkippedError(
            f"'{FOLDER}' has {len(found):,} photographs and {IMAGES:,} are needed: name a folder "
            "with as many in BENCH_IMAGES"
        )
    return [path.resolve() for path in found[:IMAGES]]


_COUNTED = (
    f"{IMAGES:,} JPEG files to committed shards, counted from the first shard on (start of "
    "processes and loading are in the details)"
)

BENCHMARKS = (
    Benchmark(
        name="embed_vit_b32_vs_bare",
        workload=f"{MODEL}, random weights, bf16: {_COUNTED}",
        unit="x",
        peer=f"the image tower alone on decoded pixels, batch {BATCH}",
        floor=0.85,
        measure=functools.partial(measure_vs_bare, MODEL),
    ),
    Benchmark(
        name="embed_vit_b32_vs_plain_fp32",
        workload=f"{MODEL}, random weights, bf16: {_COUNTED}",
        unit="x",
        peer="open_clip in float32 behind a PyTorch DataLoader of two workers",
        floor=3.0,
        measure=measure_vs_plain,
    ),
    Benchmark(
        name="embed_embedded_vs_bare",
        workload=f"the shipped encoder, bf16: {_COUNTED}",
        unit="x",
        peer=f"its image tower alone on decoded pixels, batch {BATCH}",
        floor=0.7,
        measure=functools.partial(measure_vs_bare, EMBEDDED_MODEL),
    ),
)
