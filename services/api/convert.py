"""Records of the catalog as messages of the contract."""

from poolscore.encoder.spec import EncoderSpec
from poolscore.pool_message import PRECISIONS, timestamp
from poolscore.store import records
from poolscore.v1 import pool_service_pb2 as pool_pb
from poolscore.v1 import prompt_version_service_pb2 as prompt_pb
from poolscore.v1 import run_service_pb2 as run_pb
from services.api import names


def encoder_spec(message: pool_pb.Encoder) -> EncoderSpec:
    """Read an encoder; empty fields take the defaults."""
    known = {number: name for name, number in PRECISIONS.items()}
    precision = message.precision or pool_pb.PRECISION_AUTO
    fields = {"precision": known[precision], "pretrained": message.pretrained}
    if message.model:
        fields["model"] = message.model
    return EncoderSpec.model_validate(fields)


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
        classes=record.classes,
        promotion=_promotion(record.pool_id, record.promotion),
    )


def _promotion(pool_id: str, record: records.Promotion | None) -> prompt_pb.Promotion | None:
    if record is None:
        return None
    return prompt_pb.Promotion(
        promoted=record.promoted,
        reason=record.reason,
        held_out=record.held_out,
        accuracy=record.accuracy,
        active_accuracy=record.active_accuracy,
        p_clean_error=record.p_clean_error,
        active_p_clean_error=record.active_p_clean_error,
        p_value=record.p_value,
        compared_with=names.child_name(pool_id, names.PROMPT_VERSIONS, record.compared_with),
    )
