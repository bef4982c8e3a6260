"""Items, batches, answers and label events: between records of the catalog and messages."""

from collections.abc import Sequence

from poolscore.errors import InvalidInputError
from poolscore.labels.answer import Abstain, Answer, Candidates, Label, LabelInput, LabelResult
from poolscore.pool_message import timestamp
from poolscore.store import records
from poolscore.v1 import label_service_pb2 as label_pb
from poolscore.v1 import query_service_pb2 as query_pb
from services.api import names

_BATCH_STATES = {
    records.BatchState.OPEN: query_pb.BATCH_STATE_OPEN,
    records.BatchState.DONE: query_pb.BATCH_STATE_DONE,
    records.BatchState.RELEASED: query_pb.BATCH_STATE_RELEASED,
    records.BatchState.EXPIRED: query_pb.BATCH_STATE_EXPIRED,
}


def ranked_item(
    pool_id: str, classes: Sequence[str], item: records.RankedItem
) -> query_pb.RankedItem:
    """One row of a ranking or a batch; `classes` are those of the version that predicted."""
    return query_pb.RankedItem(
        name=names.child_name(pool_id, names.ITEMS, item.item_id),
        uri=item.uri,
        rank=item.rank,
        utility=item.utility,
        reason=item.reason,
        prediction=prediction(classes, item.prediction),
    )


def prediction(classes: Sequence[str], record: records.Prediction) -> query_pb.Prediction:
    """What a prompt version said of an image."""
    return query_pb.Prediction(
        label=classes[record.predicted],
        probability=record.probability,
        margin=record.margin,
        entropy=record.entropy,
        p_clean=record.p_clean,
    )


def batch(record: records.Batch, classes: Sequence[str]) -> query_pb.Batch:
    """A batch; `classes` are those of the version that predicted."""
    return query_pb.Batch(
        name=record.name,
        annotator=record.annotator,
        items=[ranked_item(record.pool_id, classes, item) for item in record.items],
        state=_BATCH_STATES[record.state],
        lease_time=timestamp(record.lease_time),
        expire_time=timestamp(record.expire_time),
        ranking=names.child_name(record.pool_id, names.RANKINGS, record.ranking),
        prompt_version=names.child_name(
            record.pool_id, names.PROMPT_VERSIONS, record.prompt_version
        ),
        answered_items=[
            names.child_name(record.pool_id, names.ITEMS, item.item_id)
            for item in record.items
            if item.answered
        ],
    )


def answer(message: label_pb.Answer) -> Answer:
    """Read an answer.

    Raises InvalidInputError (ANSWER_MISSING) for an empty one.
    """
    match message.WhichOneof("kind"):
        case "label":
            return Label(message.label)
        case "candidates":
            return Candidates(tuple(message.candidates.labels))
        case "abstain":
            return Abstain(message.abstain.reason)
        case _:
            raise InvalidInputError(
                "the answer is empty; set label, candidates or abstain", reason="ANSWER_MISSING"
            )


def answer_message(record: Answer) -> label_pb.Answer:
    """An answer."""
    match record:
        case Label(label):
            return label_pb.Answer(label=label)
        case Candidates(labels):
            return label_pb.Answer(candidates=label_pb.Candidates(labels=labels))
        case Abstain(reason):
            return label_pb.Answer(abstain=label_pb.Abstain(reason=reason))


def label_input(message: label_pb.LabelInput, pool_id: str) -> LabelInput:
    """Read one answer to an item of the pool.

    Raises InvalidInputError (INVALID_NAME, WRONG_POOL, ANSWER_MISSING).
    """
    item_pool, item_id = names.parse_child(message.item, names.ITEMS, "item")
    names.check_same_pool(item_pool, pool_id, "item")
    number = None
    if message.batch:
        batch_pool, number = names.parse_numbered(message.batch, names.BATCHES, "batch")
        names.check_same_pool(batch_pool, pool_id, "batch")
    return LabelInput(item_id, answer(message.answer), message.annotator, number)


def label_result(pool_id: str, result: LabelResult) -> label_pb.LabelResult:
    """What became of one answer."""
    return label_pb.LabelResult(
        event=names.child_name(pool_id, names.LABEL_EVENTS, result.event),
        reason=result.reason,
        message=result.message,
    )


def label_event(record: records.LabelEvent, classes: Sequence[str]) -> label_pb.LabelEvent:
    """A label event with the prediction made before the answer was known, of these classes."""
    before = record.prediction
    return label_pb.LabelEvent(
        name=record.name,
        item=names.child_name(record.pool_id, names.ITEMS, record.item_id),
        answer=None if record.answer is None else answer_message(record.answer),
        annotator=record.annotator,
        batch=names.child_name(record.pool_id, names.BATCHES, record.batch),
        create_time=timestamp(record.create_time),
        predicted_label="" if before is None else classes[before.predicted],
        predicted_probability=0.0 if before is None else before.probability,
        predicted_p_clean=0.0 if before is None else before.p_clean,
        retracts=names.child_name(record.pool_id, names.LABEL_EVENTS, record.retracts),
        prompt_version=names.child_name(
            record.pool_id, names.PROMPT_VERSIONS, record.prompt_version
        ),
    )
