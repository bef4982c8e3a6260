"""Records of the catalog as messages of the contract."""

from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from poolscore.encoder.spec import EncoderSpec
from poolscore.errors import InvalidInputError
from poolscore.store import records
from poolscore.v1 import pool_service_pb2 as pool_pb
from poolscore.v1 import prompt_version_service_pb2 as prompt_pb
from poolscore.v1 import run_service_pb2 as run_pb
from services.api import names

_PRECISION_NAMES = {
    "auto": pool_pb.PRECISION_AUTO,
    "fp32": pool_pb.PRECISION_FP32,
    "bf16": pool_pb.PRECISION_BF16,
}


def timestamp(time: datetime | None) -> Timestamp | None:
    """Return an aware datetime as a message; None stays None, which leaves a field unset."""
    if time is None:
        return None
    message = Timestamp()
    message.FromDatetime(time)
    return message


def encoder_spec(message: pool_pb.Encoder) -> EncoderSpec:
    """Read an encoder; empty fields take the defaults.

    Raises InvalidInputError (INVALID_PRECISION) for a number that the contract does not have.
    """
    known = {number: name for name, number in _PRECISION_NAMES.items()}
    precision = message.precision or pool_pb.PRECISION_AUTO
    if precision not in known:
        raise InvalidInputError(
            f"pool.encoder.precision is {precision}, which the contract does not have",
            reason="INVALID_PRECISION",
            field="pool.encoder.precision",
        )
    fields = {"precision": known[precision], "pretrained": message.pretrained}
    if message.model:
        fields["model"] = message.model
    return EncoderSpec.model_validate(fields)


def pool(record: records.Pool) -> pool_pb.Pool:
    """A pool."""
    counts = record.counts
    return pool_pb.Pool(
        name=record.name,
        display_name=record.display_name,
        classes=record.classes,
        template=record.template,
        encoder=pool_pb.Encoder(
            model=record.encoder.model,
            pretrained=record.encoder.pretrained,
            precision=_PRECISION_NAMES[record.encoder.precision],
            digest=record.encoder_digest,
        ),
        strategy=record.strategy,
        train_after_labels=record.train_after_labels,
        etag=record.etag,
        create_time=timestamp(record.create_time),
        update_time=timestamp(record.update_time),
        active_snapshot=names.child_name(record.pool_id, names.SNAPSHOTS, record.active_snapshot),
        active_prompt_version=names.child_name(
            record.pool_id, names.PROMPT_VERSIONS, record.active_prompt_version
        ),
        active_ranking=names.child_name(record.pool_id, names.RANKINGS, record.active_ranking),
        counts=pool_pb.PoolCounts(
            embedded=counts.embedded,
            rejected=counts.rejected,
            answered=counts.answered,
            leased=counts.leased,
        ),
    )


_RUN_STATES = {
    records.RunState.PENDING: run_pb.RUN_STATE_PENDING,
    records.RunState.RUNNING: run_pb.RUN_STATE_RUNNING,
    records.RunState.SUCCEEDED: run_pb.RUN_STATE_SUCCEEDED,
    records.RunState.FAILED: run_pb.RUN_STATE_FAILED,
    records.RunState.CANCELLED: run_pb.RUN_STATE_CANCELLED,
}


def run(record: records.Run) -> run_pb.Run:
    """A run."""
    progress = record.progress
    return run_pb.Run(
        name=record.name,
        spec=_run_spec(record),
        state=_RUN_STATES[record.state],
        progress=run_pb.RunProgress(
            total=progress.total,
            done=progress.done,
            resumed=progress.resumed,
            rejects=dict(progress.rejects),
            rate=progress.rate,
            seconds_left=progress.seconds_left,
            message=progress.message,
            known=progress.known,
            new=progress.new,
            changed=progress.changed,
            missing=progress.missing,
        ),
        error=record.error,
        create_time=timestamp(record.create_time),
        start_time=timestamp(record.start_time),
        end_time=timestamp(record.end_time),
        sequence=record.sequence,
        snapshot=names.child_name(record.pool_id, names.SNAPSHOTS, record.snapshot),
        prompt_version=names.child_name(
            record.pool_id, names.PROMPT_VERSIONS, record.prompt_version
        ),
        ranking=names.child_name(record.pool_id, names.RANKINGS, record.ranking),
        stages=[
            run_pb.StageSeconds(stage=stage.stage, seconds=stage.seconds) for stage in record.stages
        ],
    )


def _run_spec(record: records.Run) -> run_pb.RunSpec:
    match record.kind:
        case records.RunKind.EMBED:
            return run_pb.RunSpec(embed=run_pb.EmbedSpec(**record.spec))
        case records.RunKind.RESCORE:
            return run_pb.RunSpec(rescore=run_pb.RescoreSpec(**record.spec))
        case records.RunKind.NEIGHBOURS:
            return run_pb.RunSpec(neighbours=run_pb.NeighboursSpec(**record.spec))
        case records.RunKind.TRAIN:
            return run_pb.RunSpec(train=run_pb.TrainSpec(**record.spec))


def prompt_version(
    record: records.PromptVersion, *, active: bool, ranking: int | None
) -> prompt_pb.PromptVersion:
    """A prompt version with the ranking it produced, if any."""
    return prompt_pb.PromptVersion(
        name=record.name,
        digest=record.digest,
        uri=record.uri,
        label_watermark=record.label_watermark,
        label_count=record.label_count,
        parent=names.child_name(record.pool_id, names.PROMPT_VERSIONS, record.parent),
        metrics=dict(record.metrics),
        create_time=timestamp(record.create_time),
        active=active,
        ranking=names.child_name(record.pool_id, names.RANKINGS, ranking),
    )
