from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from poolscore.v1 import label_service_pb2 as label_pb
from poolscore.v1 import pool_service_pb2 as pool_pb
from poolscore.v1 import prompt_version_service_pb2 as prompt_pb
from poolscore.v1 import query_service_pb2 as query_pb
from poolscore.v1 import run_service_pb2 as run_pb
from services.api.contract import rpcs
from services.api.errors import BadRequestError
from services.api.request_rules import check_request

LEASE = query_pb.LeaseBatchRequest(parent="pools/p", size=3, annotator="ann")
DIFF = prompt_pb.DiffPromptVersionsRequest(
    name="pools/p/promptVersions/0", other="pools/p/promptVersions/1"
)
LABEL = label_pb.LabelInput(item="pools/p/items/a/b c\n", answer=label_pb.Answer(label="cat"))


def changed(message: Message, **fields: Any) -> Message:
    copy = type(message)()
    copy.CopyFrom(message)
    copy.MergeFrom(type(message)(**fields))
    return copy


def embedding(*sources: str) -> run_pb.StartRunRequest:
    spec = run_pb.RunSpec(embed=run_pb.EmbedSpec(sources=sources))
    return run_pb.StartRunRequest(parent="pools/p", spec=spec)


def creating(**fields: Any) -> pool_pb.CreatePoolRequest:
    return pool_pb.CreatePoolRequest(pool_id="p", pool=pool_pb.Pool(**fields))


def broken(message: Message) -> BadRequestError:
    with pytest.raises(BadRequestError) as caught:
        check_request(message)
    return caught.value


@pytest.mark.parametrize(
    "message",
    [
        LEASE,
        changed(LEASE, size=997, lease_duration=Duration(seconds=7 * 86400), classes=["cat"]),
        DIFF,
        LABEL,
        changed(LABEL, batch="pools/p/batches/12", annotator="ann"),
        label_pb.SubmitLabelsRequest(parent="pools/p", labels=[label_pb.LabelInput()] * 1000),
        label_pb.ListLabelEventsRequest(parent="pools/p", page_size=5000),
        query_pb.StreamRankingRequest(name="pools/p/rankings/-"),
        query_pb.ExplainItemRequest(name="pools/p/items/x", ranking="pools/p/rankings/3"),
        embedding("/photos", "s3://b/x"),
        creating(classes=["a", "b"]),
        pool_pb.UpdatePoolRequest(pool=pool_pb.Pool(name="pools/p", etag="e")),
    ],
)
def test_good_requests(message: Message) -> None:
    check_request(message)


@pytest.mark.parametrize(
    ("message", "field", "reason", "words"),
    [
        (query_pb.LeaseBatchRequest(size=1, annotator="a"), "parent", "INVALID_NAME", "is empty"),
        (changed(LEASE, parent="pools/Cats"), "parent", "INVALID_NAME", "pools/{pool}"),
        (changed(LEASE, parent="pools/p\n"), "parent", "INVALID_NAME", "pools/{pool}"),
        (
            query_pb.GetBatchRequest(name="pools/p/batches/x"),
            "name",
            "INVALID_NAME",
            "name is 'pools/p/batches/x', but must look like 'pools/{pool}/batches/{number}'",
        ),
        (
            run_pb.GetRunRequest(name=f"pools/p/runs/{10**18}"),
            "name",
            "INVALID_NAME",
            "pools/{pool}/runs/{number}",
        ),
        (
            query_pb.StreamRankingRequest(name="pools/p/rankings/best"),
            "name",
            "INVALID_NAME",
            "'pools/{pool}/rankings/-' for the active one",
        ),
        (
            query_pb.ExplainItemRequest(name="pools/p/items/" + "x" * 4096),
            "name",
            "INVALID_NAME",
            "4096 characters at most",
        ),
        (
            query_pb.LeaseBatchRequest(parent="pools/p", annotator="a"),
            "size",
            "INVALID_SIZE",
            "size is 0",
        ),
        (changed(LEASE, size=1001), "size", "INVALID_SIZE", "1000"),
        (
            query_pb.LeaseBatchRequest(parent="pools/p", size=1),
            "annotator",
            "MISSING_ANNOTATOR",
            "annotator is empty",
        ),
        (changed(LEASE, annotator="a" * 201), "annotator", "MISSING_ANNOTATOR", "200 char"),
        (changed(LEASE, request_id="r" * 201), "request_id", "INVALID_REQUEST_ID", "200 char"),
        (changed(LEASE, classes=["c", "d" * 201]), "classes[1]", "INVALID_CLASSES", "200 char"),
        *(
            (
                changed(LEASE, lease_duration=Duration(seconds=seconds)),
                "lease_duration",
                "INVALID_LEASE_DURATION",
                f"lease_duration is {seconds} s",
            )
            for seconds in (0, -5, 8 * 86400, 2**62)
        ),
        (changed(DIFF, limit=1001), "limit", "INVALID_LIMIT", "1000"),
        (
            query_pb.StreamRankingRequest(name="pools/p/rankings/-", limit=-1),
            "limit",
            "INVALID_LIMIT",
            "-1",
        ),
        (pool_pb.ListPoolsRequest(page_size=-1), "page_size", "INVALID_PAGE_SIZE", "-1"),
        (label_pb.SubmitLabelsRequest(parent="pools/p"), "labels", "INVALID_LABEL_COUNT", "1"),
        (
            label_pb.SubmitLabelsRequest(parent="pools/p", labels=[label_pb.LabelInput()] * 1001),
            "labels",
            "INVALID_LABEL_COUNT",
            "labels has 1001 entries",
        ),
        (label_pb.LabelInput(item=LABEL.item), "answer", "ANSWER_MISSING", "answer is missing"),
        (
            label_pb.LabelInput(item=LABEL.item, answer=label_pb.Answer()),
            "answer",
            "ANSWER_MISSING",
            "set label, candidates or abstain",
        ),
        (changed(LABEL, batch="pools/p/runs/1"), "batch", "INVALID_NAME", "/batches/"),
        (run_pb.StartRunRequest(parent="pools/p"), "spec", "SPEC_MISSING", "spec is missing"),
        (
            run_pb.StartRunRequest(parent="pools/p", spec=run_pb.RunSpec()),
            "spec",
            "SPEC_MISSING",
            "set embed, rescore, neighbours or train",
        ),
        (embedding(), "spec.embed.sources", "SOURCE_MISSING", "1"),
        (embedding("a", ""), "spec.embed.sources[1]", "SOURCE_MISSING", "is empty"),
        (
            run_pb.StartRunRequest(
                parent="pools/p", spec=run_pb.RunSpec(neighbours=run_pb.NeighboursSpec(k=257))
            ),
            "spec.neighbours.k",
            "INVALID_K",
            "256",
        ),
        (pool_pb.CreatePoolRequest(pool_id="p"), "pool", "POOL_MISSING", "pool is missing"),
        (
            pool_pb.CreatePoolRequest(pool_id="A", pool=pool_pb.Pool()),
            "pool_id",
            "INVALID_POOL_ID",
            "lower-case letter",
        ),
        (
            creating(encoder=pool_pb.Encoder.FromString(b"\x18\x09")),
            "pool.encoder.precision",
            "INVALID_PRECISION",
            "9",
        ),
        (creating(budget=pool_pb.Budget(labels=-1)), "pool.budget.labels", "INVALID_BUDGET", "-1"),
    ],
)
def test_bad_requests_say_what_where_and_what_to_do(
    message: Message, field: str, reason: str, words: str
) -> None:
    error = broken(message)
    assert [(each.field, each.reason) for each in error.problems] == [(field, reason)]
    assert (error.reason, error.metadata["field"]) == (reason, field)
    assert words in error.message
    assert error.message.startswith(field)


def test_all_problems_are_named_at_once() -> None:
    error = broken(query_pb.LeaseBatchRequest(parent="x", size=-1, annotator="a"))
    assert [each.field for each in error.problems] == ["parent", "size"]
    assert error.reason == "INVALID_NAME"
    assert all(each.message in error.message for each in error.problems)


def test_long_values_are_not_sent_back() -> None:
    assert len(broken(query_pb.GetBatchRequest(name="x" * 100_000)).message) < 300


def test_every_request_of_the_contract_has_its_rules() -> None:
    """A text, a number or a list that nothing limits was forgotten."""
    free = {"validate_only", "show_deleted", "prune", "update_mask"}
    output = {"create_time", "update_time", "delete_time", "counts"}
    output |= {"active_snapshot", "active_prompt_version", "active_ranking"}
    output |= {"spent", "reserved", "left", "digest"}
    seen: set[str] = set()

    def forgotten(descriptor: Any) -> list[str]:
        if descriptor.full_name in seen or descriptor.file.package != "poolscore.v1":
            return []
        seen.add(descriptor.full_name)
        found: list[str] = []
        for field in descriptor.fields:
            if field.name in free | output:
                continue
            if field.message_type:
                found += forgotten(field.message_type)
            elif not field.GetOptions().SerializeToString():
                found.append(field.full_name)
        return found

    requests = [rpc.request.DESCRIPTOR for rpc in rpcs()]
    assert [name for request in requests for name in forgotten(request)] == []
