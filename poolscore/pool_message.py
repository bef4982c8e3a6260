"""A pool of the catalog as a message of the contract."""

from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from poolscore.store.records import Pool
from poolscore.v1 import pool_service_pb2 as pb

PRECISIONS = {
    "auto": pb.PRECISION_AUTO,
    "fp32": pb.PRECISION_FP32,
    "bf16": pb.PRECISION_BF16,
}
"""By the names of `poolscore.encoder.spec`."""


def timestamp(time: datetime | None) -> Timestamp | None:
    """Return an aware datetime as a message; None stays None, which leaves a field unset."""
    if time is None:
        return None
    message = Timestamp()
    message.FromDatetime(time)
    return message


def pool_message(record: Pool) -> pb.Pool:
    """The pool as every method of the API shows it."""
    counts = record.counts
    return pb.Pool(
        name=record.name,
        display_name=record.display_name,
        classes=record.classes,
        template=record.template,
        encoder=pb.Encoder(
            model=record.encoder.model,
            pretrained=record.encoder.pretrained,
            precision=PRECISIONS[record.encoder.precision],
            digest=record.encoder_digest,
        ),
        strategy=record.strategy,
        train_after_labels=record.train_after_labels,
        etag=record.etag,
        create_time=timestamp(record.create_time),
        update_time=timestamp(record.update_time),
        active_snapshot=_child(record, "snapshots", record.active_snapshot),
        active_prompt_version=_child(record, "promptVersions", record.active_prompt_version),
        active_ranking=_child(record, "rankings", record.active_ranking),
        delete_time=timestamp(record.delete_time),
        budget=_budget(record),
        counts=pb.PoolCounts(
            embedded=counts.embedded,
            rejected=counts.rejected,
            answered=counts.answered,
            leased=counts.leased,
        ),
    )


def _child(record: Pool, collection: str, number: int | None) -> str:
    return "" if number is None else f"{record.name}/{collection}/{number}"


def _budget(record: Pool) -> pb.Budget:
    reserved = record.counts.leased
    left = max(0, record.budget - record.spent - reserved)
    return pb.Budget(labels=record.budget, spent=record.spent, reserved=reserved, left=left)
