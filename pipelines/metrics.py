"""What the jobs count while they work. Work that a killed process repeats is counted again."""

import pyarrow as pa

from pipelines.ray_metrics import add
from poolscore.metric import counter
from poolscore.store.arrow import compute as pc

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

PIPELINE_METRICS = (EMBEDDED, REJECTED, SCORED)


def count_encoded(reasons: pa.ChunkedArray) -> None:
    """Count rows of a shard by their reject reasons, null for an embedded one."""
    add(EMBEDDED, reasons.null_count)
    for entry in pc.value_counts(reasons.drop_null()).to_pylist():
        add(REJECTED, entry["counts"], reason=entry["values"])


def count_scored(images: int) -> None:
    """Count images that were scored from the cache."""
    add(SCORED, images)
