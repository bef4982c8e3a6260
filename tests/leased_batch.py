"""A leased batch as the service gives it, without a service."""

from datetime import UTC, datetime

from poolscore.v1 import query_service_pb2 as pb

FOLDER = "file:///home/ann/collections/photographs-of-2026"
REASON = "least certain of the 1,234 images predicted 'guinea pig': p_clean 0.25"


def a_batch(names: tuple[str, ...] = ("IMG_20260102_142301.jpg", "zoo/[1].jpg")) -> pb.Batch:
    """Batch 3 of pool `p`, with one item a file name."""
    prediction = pb.Prediction(label="guinea pig", probability=0.5, p_clean=0.25)
    items = [
        pb.RankedItem(
            name=f"pools/p/items/{rank:032x}",
            uri=f"{FOLDER}/{name}",
            rank=rank,
            reason=REASON,
            prediction=prediction,
        )
        for rank, name in enumerate(names)
    ]
    batch = pb.Batch(
        name="pools/p/batches/3",
        annotator="ann",
        items=items,
        ranking="pools/p/rankings/4",
        prompt_version="pools/p/promptVersions/2",
    )
    batch.expire_time.FromDatetime(datetime(2026, 1, 2, 14, 5, tzinfo=UTC))
    return batch
