import asyncio
import itertools
from typing import Any

import pytest

from poolscore.errors import InvalidInputError, NotFoundError
from poolscore.store import runs
from poolscore.store.records import RunKind
from poolscore.v1 import label_service_pb2 as pb
from poolscore.v1 import query_service_pb2 as query_pb
from services.api.backend import Backend
from services.api.ingress import Api
from tests.seeding import add_version, item_ids, seed_pool


@pytest.fixture
def pool(backend: Backend, store_uri: str):
    seed_pool(backend.catalog, store_uri, "p", items=20)
    return "pools/p"


def answer(item: str, label: str = "cat", **fields: Any):
    return pb.LabelInput(
        item=f"pools/p/items/{item}", answer=pb.Answer(label=label), annotator="ann", **fields
    )


def submit(api: Api, *labels: pb.LabelInput, request_id: str = ""):
    request = pb.SubmitLabelsRequest(parent="pools/p", labels=labels, request_id=request_id)
    return api.SubmitLabels(request)


def events(api: Api, **fields: Any):
    return api.ListLabelEvents(pb.ListLabelEventsRequest(parent="pools/p", **fields))


def test_each_answer_is_judged_by_itself(api: Api, pool: str):
    response = submit(
        api,
        answer("item-0000"),
        answer("item-0001", "zebra"),
        pb.LabelInput(item="pools/p/items/item-0002"),
        pb.LabelInput(item="item-0003", answer=pb.Answer(label="cat")),
        answer("nowhere"),
        answer("broken"),
        answer("item-0004", batch="pools/q/batches/1"),
        answer("item-0005", "dog"),
    )
    assert [result.reason for result in response.results] == [
        "",
        "UNKNOWN_CLASS",
        "ANSWER_MISSING",
        "INVALID_NAME",
        "UNKNOWN_ITEM",
        "UNKNOWN_ITEM",
        "WRONG_POOL",
        "",
    ]
    assert (response.accepted, response.refused) == (2, 6)
    assert [result.event for result in response.results if result.event] == [
        "pools/p/labelEvents/1",
        "pools/p/labelEvents/2",
    ]
    assert all(result.message for result in response.results if result.reason)


def test_the_event_keeps_the_prediction_made_before_the_answer(api: Api, pool: str):
    batch = api.LeaseBatch(query_pb.LeaseBatchRequest(parent=pool, size=2, annotator="ann")).batch
    submit(api, answer("item-0001", "owl", batch=batch.name))
    (event,) = events(api).events
    assert event.item == "pools/p/items/item-0001"
    assert event.answer.label == "owl"
    assert (event.batch, event.annotator) == (batch.name, "ann")
    assert (event.predicted_label, event.predicted_probability) == ("dog", 0.5)
    assert event.prompt_version == "pools/p/promptVersions/0"


def test_candidates_and_abstentions_come_back(api: Api, pool: str):
    candidates = pb.Answer(candidates=pb.Candidates(labels=["cat", "dog"]))
    abstain = pb.Answer(abstain=pb.Abstain(reason="too dark"))
    submit(
        api,
        pb.LabelInput(item="pools/p/items/item-0000", answer=candidates),
        pb.LabelInput(item="pools/p/items/item-0001", answer=abstain),
    )
    assert [event.answer for event in events(api).events] == [candidates, abstain]


def test_a_retry_is_applied_once(api: Api, pool: str):
    first = submit(api, answer("item-0000"), request_id="r1")
    assert submit(api, answer("item-0000"), request_id="r1") == first
    assert len(events(api).events) == 1
    with pytest.raises(InvalidInputError) as caught:
        submit(api, answer("item-0001"), request_id="r1")
    assert caught.value.reason == "REQUEST_ID_REUSED"


def test_answers_that_are_sent_again_say_so(api: Api, pool: str):
    submit(api, answer("item-0000"))
    response = submit(api, answer("item-0000"), answer("item-0001"))
    assert (response.accepted, response.refused) == (2, 0)
    before, now = response.results
    assert (before.event, before.reason) == ("pools/p/labelEvents/1", "")
    assert "recorded before" in before.message
    assert (now.event, now.message) == ("pools/p/labelEvents/2", "")


def test_events_come_in_pages(api: Api, pool: str):
    submit(api, *(answer(item) for item in item_ids(5)))
    first = events(api, page_size=2)
    second = events(api, page_size=2, page_token=first.next_page_token)
    last = events(api, page_size=2, page_token=second.next_page_token)
    names = [event.name for page in (first, second, last) for event in page.events]
    assert names == [f"pools/p/labelEvents/{n}" for n in range(1, 6)]
    assert not last.next_page_token


def test_bad_requests(api: Api, pool: str):
    with pytest.raises(NotFoundError):
        api.SubmitLabels(pb.SubmitLabelsRequest(parent="pools/q", labels=[answer("x")]))
    with pytest.raises(InvalidInputError, match="0 answers"):
        submit(api)
    with pytest.raises(InvalidInputError, match="page token"):
        events(api, page_token="???")


def test_a_stream_goes_on_after_a_bad_message(api: Api, pool: str):
    messages = [
        pb.StreamLabelsRequest(parent="pools/p", label=answer("item-0000"), request_id="s1"),
        pb.StreamLabelsRequest(parent="pools/p", label=answer("item-0001", "zebra")),
        pb.StreamLabelsRequest(parent="nonsense", label=answer("item-0002")),
        pb.StreamLabelsRequest(parent="pools/gone", label=answer("item-0002")),
        pb.StreamLabelsRequest(parent="pools/p"),
        pb.StreamLabelsRequest(parent="pools/p", label=answer("item-0002", "cat" * 67)),
        pb.StreamLabelsRequest(parent="pools/p", label=answer("item-0003")),
    ]

    async def stream():
        for message in messages:
            yield message

    response = asyncio.run(api.StreamLabels(stream()))
    assert [result.reason for result in response.results] == [
        "",
        "UNKNOWN_CLASS",
        "INVALID_NAME",
        "POOL_NOT_FOUND",
        "LABEL_MISSING",
        "INVALID_LABEL",
        "",
    ]
    assert (response.accepted, response.refused) == (2, 5)


def test_a_stream_that_never_ends_is_answered(api: Api, pool: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("services.api.labels.MAX_STREAMED", 3)

    async def stream():
        for n in itertools.count():
            yield pb.StreamLabelsRequest(parent="pools/p", label=answer(f"item-{n:04}"))

    response = asyncio.run(api.StreamLabels(stream()))
    assert (len(response.results), response.accepted) == (3, 3)


def test_enough_answers_queue_one_training_run(
    api: Api, backend: Backend, store_uri: str, woken: list[RunKind]
):
    seed_pool(backend.catalog, store_uri, "p", items=20, train_after_labels=3)
    submit(api, answer("item-0000"), answer("item-0001"))
    assert woken == []
    submit(api, answer("item-0002"))
    submit(api, answer("item-0003"))
    assert woken == [RunKind.TRAIN]
    trained, _ = runs.list_runs(backend.catalog, "p")
    assert [(run.kind, run.request_id) for run in trained[:-1]] == [(RunKind.TRAIN, "auto-0-1")]


def test_a_stream_that_breaks_has_recorded_enough_to_train(
    api: Api, backend: Backend, store_uri: str, woken: list[RunKind]
):
    seed_pool(backend.catalog, store_uri, "p", items=20, train_after_labels=1)

    async def stream():
        yield pb.StreamLabelsRequest(parent="pools/p", label=answer("item-0000"))
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        asyncio.run(api.StreamLabels(stream()))
    assert woken == [RunKind.TRAIN]


def test_answers_that_were_trained_with_do_not_count_again(
    api: Api, backend: Backend, store_uri: str, woken: list[RunKind]
):
    seed_pool(backend.catalog, store_uri, "p", items=20, train_after_labels=3)
    submit(api, *(answer(item) for item in item_ids(2)))
    add_version(backend.catalog, store_uri, "p", item_ids(20), watermark=2)
    submit(api, answer("item-0003"), answer("item-0004"))
    assert woken == []
    submit(api, answer("item-0005"))
    assert woken == [RunKind.TRAIN]


def test_an_answer_is_taken_back(api: Api, pool: str):
    submit(api, answer("item-0000"), request_id="s")
    retract = pb.RetractLabelRequest(
        item="pools/p/items/item-0000", annotator="ann", request_id="r"
    )
    event = api.RetractLabel(retract).event
    assert (event.name, event.retracts) == ("pools/p/labelEvents/2", "pools/p/labelEvents/1")
    assert (event.item, event.annotator) == ("pools/p/items/item-0000", "ann")
    assert not event.HasField("answer")
    assert api.RetractLabel(retract).event == event == events(api).events[1]
    with pytest.raises(NotFoundError) as caught:
        api.RetractLabel(pb.RetractLabelRequest(item=retract.item, annotator="ann"))
    assert caught.value.reason == "NO_ANSWER"


def test_events_of_an_item_or_an_annotator(api: Api, pool: str):
    bob = answer("item-0001", "dog")
    bob.annotator = "bob"
    submit(api, answer("item-0000"), answer("item-0001"), bob)
    of_item = events(api, item="pools/p/items/item-0001").events
    assert [event.annotator for event in of_item] == ["ann", "bob"]
    assert [event.item[-1] for event in events(api, annotator="ann").events] == ["0", "1"]
    both = events(api, item="pools/p/items/item-0001", annotator="bob").events
    assert [event.answer.label for event in both] == ["dog"]
    with pytest.raises(InvalidInputError):
        events(api, item="pools/q/items/item-0001")
    token = events(api, page_size=1).next_page_token
    with pytest.raises(InvalidInputError) as caught:
        events(api, page_size=1, page_token=token, annotator="ann")
    assert caught.value.reason == "INVALID_PAGE_TOKEN"


def test_conflicts_show_what_everyone_says(api: Api, pool: str):
    bob = answer("item-0001", "dog")
    bob.annotator = "bob"
    submit(api, answer("item-0000"), answer("item-0001"), bob)
    response = api.ListConflicts(pb.ListConflictsRequest(parent=pool))
    (conflict,) = response.conflicts
    assert conflict.item == "pools/p/items/item-0001"
    said = [(event.annotator, event.answer.label) for event in conflict.answers]
    assert (said, response.next_page_token) == ([("ann", "cat"), ("bob", "dog")], "")
