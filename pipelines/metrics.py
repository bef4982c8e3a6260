"""What the jobs count while they work. Work that a killed process repeats is counted again."""

from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import TypeVar

import pyarrow as pa

from pipelines.ray_metrics import add
from poolscore.metric import counter
from poolscore.store.arrow import compute as pc

T = TypeVar("T")

EMBEDDED = counter("poolscore_images_embedded_total", "Images that encoders have embedded.")
REJECTED = counter(
    "poolscore_images_rejected_total",
    "Images that could not be embedded, by reason; without those that listing a source rejects.",
    "reason",
)
SCORED = counter(
    "poolscore_images_scored_total",
    "Cached embeddings that prompts have scored, in re-scoring and after training.",
)
STAGE_SECONDS = counter(
    "poolscore_stage_seconds_total",
    "Time that threads spent in the stages of embedding: `read`, `decode` (and resize), `encode`, "
    "`write`. Its rate is how many threads a stage keeps busy.",
    "stage",
)
ENCODER_SECONDS = counter(
    "poolscore_encoder_seconds_total",
    "Time of encoder actors since they have loaded their model, by state: `busy` with a batch, or "
    "`idle` until it came.",
    "state",
)

PIPELINE_METRICS = (EMBEDDED, REJECTED, SCORED, STAGE_SECONDS, ENCODER_SECONDS)


def count_encoded(reasons: pa.ChunkedArray) -> None:
    """Count rows of a shard by their reject reasons, null for an embedded one."""
    add(EMBEDDED, reasons.null_count)
    for entry in pc.value_counts(reasons.drop_null()).to_pylist():
        add(REJECTED, entry["counts"], reason=entry["values"])


def count_scored(images: int) -> None:
    """Count images that were scored from the cache."""
    add(SCORED, images)


@contextmanager
def stage_time(stage: str) -> Generator[None]:
    """Count the time of the block, or of the function that it decorates, for a stage."""
    began = perf_counter()
    try:
        yield
    finally:
        add(STAGE_SECONDS, perf_counter() - began, stage=stage)


def waited_for(stage: str, items: Iterable[T]) -> Iterator[T]:
    """Give the items one by one, and count for a stage the time until each of them is there."""
    iterator = iter(items)
    while True:
        with stage_time(stage):
            try:
                item = next(iterator)
            except StopIteration:
                return
        yield item


class EncoderClock:
    """Divides the time of one encoder actor, which does one batch after the other."""

    def __init__(self) -> None:
        """The actor is idle from now on."""
        self._since = perf_counter()

    @contextmanager
    def busy(self) -> Generator[None]:
        """Count the block as busy, and the time since the one before it as idle."""
        self._count("idle")
        try:
            yield
        finally:
            self._count("busy")

    def _count(self, state: str) -> None:
        now = perf_counter()
        add(ENCODER_SECONDS, now - self._since, state=state)
        self._since = now
