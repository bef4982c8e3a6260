import asyncio
from collections.abc import AsyncIterator, Iterable
from datetime import timedelta
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration

from poolscore.errors import (
    FailedPreconditionError,
    InvalidInputError,
    NotFoundError,
    PoolscoreError,
)
from poolscore.v1 import label_service_pb2 as label_pb
from poolscore.v1 import query_service_pb2 as pb
from services.api.backend import Backend
from services.api.ingress import Api
from tests.seeding import add_version, item_ids, seed_pool


@pytest.fixture
def pool(backend: Backend, store_uri: str):
    seed_pool(backend.catalog, store_uri, "p", items=20)
    return "pools/p"


def lease(api: Api, size: int = 3, annotator: str = "ann", **fields: Any):
    request = pb.LeaseBatchRequest(parent="pools/p", size=size, annotator=annotator, **fields)
    return api.LeaseBatch(request).batch


def ids(items: Iterable[pb.RankedItem]) -> list[str]:
    return [item.name.removeprefix("pools/p/items/") for item in items]


def read(stream: AsyncIterator[pb.StreamRankingResponse]) -> list[pb.StreamRankingResponse]:
    async def collect():
        return [message async for message in stream]

    return asyncio.run(collect())


def test_a_batch_is_the_top_of_the_ranking(api: Api, pool: str):
    batch = lease(api)
    assert ids(batch.items) == item_ids(3)
    assert batch.state == pb.BATCH_STATE_OPEN
    assert (batch.ranking, batch.prompt_version) == (
        "pools/p/rankings/1",
        "pools/p/promptVersions/0",
    )
    assert batch.expire_time.ToDatetime() - batch.lease_time.ToDatetime() == timedelta(hours=1)
    second = batch.items[1]
    assert (second.rank, second.reason, second.uri) == (1, "place 1", "/images/item-0001.jpg")
    assert (second.prediction.label, second.prediction.p_clean) == ("dog", 0.75)


def test_the_same_request_id_returns_the_same_batch(api: Api, pool: str):
    first = lease(api, request_id="r1")
    assert lease(api, request_id="r1") == first
    assert lease(api, request_id="r2").name != first.name


def test_two_annotators_get_different_items(api: Api, pool: str):
    assert not set(ids(lease(api).items)) & set(ids(lease(api, annotator="bob").items))


def test_leasing_follows_a_switch_of_the_ranking(
    api: Api, backend: Backend, store_uri: str, pool: str
):
    lease(api)
    add_version(backend.catalog, store_uri, "p", item_ids(20)[::-1], watermark=1)
    batch = lease(api)
    assert batch.ranking == "pools/p/rankings/2"
    assert ids(batch.items) == item_ids(20)[:-4:-1]


def test_an_exhausted_ranking_gives_an_empty_batch(api: Api, pool: str):
    assert len(lease(api, size=1000).items) == 20
    assert len(lease(api).items) == 0


def test_leasing_before_the_first_ranking(api: Api, backend: Backend):
    from poolscore.encoder.spec import EncoderSpec
    from poolscore.store import pools

    pools.create_pool(backend.catalog, "p", ["a", "b"], "", EncoderSpec(), "d", "random", 0)
    with pytest.raises(FailedPreconditionError) as caught:
        lease(api)
    assert caught.value.reason == "NO_RANKING"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"size": 0}, "INVALID_SIZE"),
        ({"size": 1001}, "INVALID_SIZE"),
        ({"annotator": " "}, "MISSING_ANNOTATOR"),
        ({"lease_duration": Duration(seconds=0)}, "INVALID_LEASE_DURATION"),
        ({"lease_duration": Duration(seconds=8 * 86400)}, "INVALID_LEASE_DURATION"),
    ],
)
def test_bad_leases(api: Api, pool: str, fields: dict[str, Any], reason: str):
    with pytest.raises(InvalidInputError) as caught:
        lease(api, **fields)
    assert caught.value.reason == reason


def test_a_batch_can_be_read_extended_and_released(api: Api, pool: str):
    batch = lease(api)
    request = pb.ExtendBatchRequest(name=batch.name, lease_duration=Duration(seconds=7200))
    extended = api.ExtendBatch(request).batch
    assert extended.expire_time.seconds > batch.expire_time.seconds + 3500
    released = api.ReleaseBatch(pb.ReleaseBatchRequest(name=batch.name))
    assert (released.released, released.batch.state) == (3, pb.BATCH_STATE_RELEASED)
    assert api.GetBatch(pb.GetBatchRequest(name=batch.name)).batch == released.batch
    assert api.ReleaseBatch(pb.ReleaseBatchRequest(name=batch.name)).released == 0
    assert ids(lease(api).items) == item_ids(3)


def test_a_batch_says_which_of_its_items_are_answered(api: Api, pool: str) -> None:
    batch = lease(api)
    assert not batch.answered_items
    answered = label_pb.LabelInput(
        item=batch.items[1].name, answer=label_pb.Answer(label="cat"), batch=batch.name
    )
    api.SubmitLabels(label_pb.SubmitLabelsRequest(parent=pool, labels=[answered]))
    found = api.GetBatch(pb.GetBatchRequest(name=batch.name)).batch
    assert list(found.answered_items) == [batch.items[1].name]
    assert found.items == batch.items


def test_an_unknown_batch(api: Api, pool: str):
    with pytest.raises(NotFoundError) as caught:
        api.GetBatch(pb.GetBatchRequest(name="pools/p/batches/99"))
    assert caught.value.reason == "BATCH_NOT_FOUND"


def test_a_ranking_streams_in_order_without_leasing(api: Api, backend: Backend, store_uri: str):
    seed_pool(backend.catalog, store_uri, "p", items=1203)
    chunks = read(api.StreamRanking(pb.StreamRankingRequest(name="pools/p/rankings/-")))
    assert [len(chunk.items) for chunk in chunks] == [500, 500, 203]
    assert ids(item for chunk in chunks for item in chunk.items) == item_ids(1203)
    assert {chunk.ranking for chunk in chunks} == {"pools/p/rankings/1"}
    assert ids(lease(api).items) == item_ids(3)


def test_a_stored_ranking_streams_by_number_up_to_a_limit(
    api: Api, backend: Backend, store_uri: str, pool: str
):
    add_version(backend.catalog, store_uri, "p", item_ids(20)[::-1], watermark=1)
    request = pb.StreamRankingRequest(name="pools/p/rankings/1", limit=2)
    (chunk,) = read(api.StreamRanking(request))
    assert ids(chunk.items) == item_ids(2)
    assert chunk.prompt_version == "pools/p/promptVersions/0"


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("pools/p/rankings/9", NotFoundError),
        ("pools/q/rankings/-", NotFoundError),
        ("pools/p/rankings/x", InvalidInputError),
    ],
)
def test_bad_streams(api: Api, pool: str, name: str, error: type[PoolscoreError]):
    with pytest.raises(error):
        read(api.StreamRanking(pb.StreamRankingRequest(name=name)))


def test_a_focus_leases_and_streams_the_predicted_classes(api: Api, pool: str):
    batch = lease(api, classes=["owl", "dog"])
    assert [item.prediction.label for item in batch.items] == ["dog", "owl", "dog"]
    request = pb.StreamRankingRequest(name="pools/p/rankings/-", classes=["owl"], limit=2)
    (page,) = read(api.StreamRanking(request))
    assert ids(page.items) == ["item-0002", "item-0005"]
    request.page_token = page.next_page_token
    request.limit = 0
    (rest,) = read(api.StreamRanking(request))
    assert ids(rest.items) == ["item-0008", "item-0011", "item-0014", "item-0017"]
    assert rest.next_page_token == ""
    for method in (
        lambda: lease(api, classes=["newt"]),
        lambda: read(api.StreamRanking(pb.StreamRankingRequest(name=request.name, classes=["x"]))),
    ):
        with pytest.raises(InvalidInputError) as caught:
            method()
        assert caught.value.reason == "UNKNOWN_CLASS"


def test_a_strategy_without_a_ranking_says_how_to_get_one(api: Api, pool: str):
    with pytest.raises(FailedPreconditionError, match="rescore run with strategy margin") as caught:
        lease(api, strategy="margin", request_id="new")
    assert caught.value.reason == "NO_RANKING"
    with pytest.raises(InvalidInputError) as unknown:
        lease(api, strategy="best")
    assert unknown.value.reason == "UNKNOWN_STRATEGY"


def test_a_stream_goes_on_from_each_of_its_pages(api: Api, backend: Backend, store_uri: str):
    seed_pool(backend.catalog, store_uri, "p", items=1203)
    pages = read(api.StreamRanking(pb.StreamRankingRequest(name="pools/p/rankings/1")))
    for number, page in enumerate(pages[:-1], start=1):
        request = pb.StreamRankingRequest(
            name="pools/p/rankings/-", page_token=page.next_page_token
        )
        assert read(api.StreamRanking(request)) == pages[number:]
    assert pages[-1].next_page_token == ""


def test_a_token_of_another_ranking_is_told_so(
    api: Api, backend: Backend, store_uri: str, pool: str
):
    request = pb.StreamRankingRequest(name="pools/p/rankings/-", limit=3)
    (page,) = read(api.StreamRanking(request))
    add_version(backend.catalog, store_uri, "p", item_ids(20)[::-1], watermark=1)
    request.page_token = page.next_page_token
    with pytest.raises(InvalidInputError, match="stream pools/p/rankings/1 by its name") as stale:
        read(api.StreamRanking(request))
    assert stale.value.reason == "STALE_PAGE_TOKEN"
    request.name = "pools/p/rankings/1"
    assert ids(read(api.StreamRanking(request))[0].items) == item_ids(6)[3:]
    request.page_token = "bm9uc2Vuc2U="
    with pytest.raises(InvalidInputError) as unknown:
        read(api.StreamRanking(request))
    assert unknown.value.reason == "INVALID_PAGE_TOKEN"


def test_a_token_of_another_focus_is_refused(api: Api, pool: str):
    request = pb.StreamRankingRequest(name="pools/p/rankings/-", classes=["owl", "dog"], limit=2)
    (page,) = read(api.StreamRanking(request))
    goes_on = pb.StreamRankingRequest(
        name=request.name, classes=["dog", "owl"], limit=2, page_token=page.next_page_token
    )
    assert ids(read(api.StreamRanking(goes_on))[0].items) == ["item-0004", "item-0005"]
    del goes_on.classes[:]
    with pytest.raises(InvalidInputError) as caught:
        read(api.StreamRanking(goes_on))
    assert caught.value.reason == "INVALID_PAGE_TOKEN"


def test_an_empty_page_names_its_ranking(api: Api, backend: Backend, store_uri: str):
    seed_pool(backend.catalog, store_uri, "p", items=1)
    request = pb.StreamRankingRequest(name="pools/p/rankings/-", classes=["owl"])
    (page,) = read(api.StreamRanking(request))
    assert (list(page.items), page.ranking) == ([], "pools/p/rankings/1")
