import asyncio

import pytest

from poolscore.errors import FailedPreconditionError, InvalidInputError, NotFoundError
from poolscore.store import pools, prompt_versions
from poolscore.store.change_pool import PoolChange, update_pool
from poolscore.store.records import Promotion
from poolscore.v1 import prompt_version_service_pb2 as pb
from poolscore.v1 import run_service_pb2 as run_pb
from services.api.backend import Backend
from services.api.ingress import Api
from tests.seeding import add_version, item_ids, seed_pool


@pytest.fixture
def pool(backend: Backend, store_uri: str):
    """Return a pool whose versions 0, 1 and 2 were active one after the other."""
    seed_pool(backend.catalog, store_uri, "p")
    for watermark in (3, 6):
        add_version(backend.catalog, store_uri, "p", item_ids(20)[::-1], watermark=watermark)
    return "pools/p"


def test_versions_are_listed_newest_first(api: Api, pool: str):
    request = pb.ListPromptVersionsRequest(parent=pool, page_size=2)
    first = api.ListPromptVersions(request)
    request.page_token = first.next_page_token
    rest = api.ListPromptVersions(request)
    versions = [*first.prompt_versions, *rest.prompt_versions]
    assert [version.name[-1] for version in versions] == ["2", "1", "0"]
    assert [version.active for version in versions] == [True, False, False]
    assert [version.ranking for version in versions] == [f"pools/p/rankings/{n}" for n in (3, 2, 1)]
    assert [version.parent for version in versions] == [
        "pools/p/promptVersions/1",
        "pools/p/promptVersions/0",
        "",
    ]
    assert (versions[0].label_watermark, dict(versions[0].metrics)) == (6, {"a": 0.5})


def test_activating_an_old_version_brings_its_ranking_back(api: Api, backend: Backend, pool: str):
    etag = pools.get_pool(backend.catalog, "p").etag
    request = pb.ActivatePromptVersionRequest(name="pools/p/promptVersions/0")
    version = api.ActivatePromptVersion(request).prompt_version
    assert (version.active, version.ranking) == (True, "pools/p/rankings/1")
    after = pools.get_pool(backend.catalog, "p")
    assert (after.active_prompt_version, after.active_ranking) == (0, 1)
    assert after.etag != etag


def test_a_version_without_a_ranking_cannot_be_activated(api: Api, backend: Backend, pool: str):
    prompt_versions.add_prompt_version(backend.catalog, "p", "e" * 64, "x", 9, 9, 2, {})
    with pytest.raises(FailedPreconditionError) as caught:
        api.ActivatePromptVersion(pb.ActivatePromptVersionRequest(name="pools/p/promptVersions/3"))
    assert caught.value.reason == "NO_RANKING"


def test_unknown_versions(api: Api, pool: str):
    with pytest.raises(NotFoundError):
        api.GetPromptVersion(pb.GetPromptVersionRequest(name="pools/p/promptVersions/9"))
    with pytest.raises(NotFoundError):
        api.ActivatePromptVersion(pb.ActivatePromptVersionRequest(name="pools/p/promptVersions/9"))


def test_training_is_queued_once_for_a_request_id(api: Api, pool: str):
    request = pb.TrainPromptVersionRequest(parent=pool, request_id="t1")
    run = api.TrainPromptVersion(request).run
    assert run.state == run_pb.RUN_STATE_PENDING
    assert run.spec.WhichOneof("kind") == "train"
    assert api.TrainPromptVersion(request).run == run


def test_watching_sees_every_switch(api: Api, backend: Backend, pool: str):
    async def watch():
        seen = []
        request = pb.WatchPromptVersionsRequest(parent=pool)
        async for response in api.WatchPromptVersions(request):
            seen.append(response.prompt_version.name[-1])
            if len(seen) == 3:
                return seen
            api.ActivatePromptVersion(
                pb.ActivatePromptVersionRequest(name=f"pools/p/promptVersions/{len(seen) - 1}")
            )
        return seen

    assert asyncio.run(watch()) == ["2", "0", "1"]


def test_a_watcher_goes_on_where_it_was_cut_off(api: Api, backend: Backend, pool: str):
    async def watch(token: str, switch: bool):
        request = pb.WatchPromptVersionsRequest(parent=pool, resume_token=token)
        stream = api.WatchPromptVersions(request)
        following = asyncio.ensure_future(anext(stream))
        if switch:
            # Nothing new yet: the stream waits.
            done, _ = await asyncio.wait([following], timeout=1.2)
            assert not done
            name = "pools/p/promptVersions/0"
            api.ActivatePromptVersion(pb.ActivatePromptVersionRequest(name=name))
        return await following

    first = asyncio.run(watch("", switch=False))
    assert first.prompt_version.name == "pools/p/promptVersions/2"
    second = asyncio.run(watch(first.resume_token, switch=True))
    assert second.prompt_version.name == "pools/p/promptVersions/0"
    assert asyncio.run(watch(first.resume_token, switch=False)) == second


def test_a_resume_token_is_of_one_pool(
    api: Api, backend: Backend, pool: str, store_uri: str
) -> None:
    seed_pool(backend.catalog, store_uri, "q")

    async def watch(parent: str, token: str) -> pb.WatchPromptVersionsResponse:
        request = pb.WatchPromptVersionsRequest(parent=parent, resume_token=token)
        return await anext(api.WatchPromptVersions(request))

    token = asyncio.run(watch(pool, "")).resume_token
    for stale in (token, "2.3"):
        with pytest.raises(InvalidInputError) as caught:
            asyncio.run(watch("pools/q", stale))
        assert caught.value.reason == "INVALID_PAGE_TOKEN"


def test_a_refused_version_says_why_and_can_be_forced(
    api: Api, backend: Backend, pool: str, store_uri: str
):
    refused = Promotion(False, "refused: worse", 2, 40, 0.5, 0.75, 0.25, 0.125, 0.01)
    prompt_versions.add_prompt_version(
        backend.catalog, "p", "e" * 64, "x", 9, 9, 2, {}, promotion=refused
    )
    request = pb.GetPromptVersionRequest(name="pools/p/promptVersions/3")
    said = api.GetPromptVersion(request).prompt_version.promotion
    assert (said.promoted, said.reason, said.held_out) == (False, "refused: worse", 40)
    assert (said.accuracy, said.p_value) == (0.5, 0.01)
    assert said.compared_with == "pools/p/promptVersions/2"
    request.name = "pools/p/promptVersions/2"
    assert not api.GetPromptVersion(request).prompt_version.HasField("promotion")


def test_versions_are_compared_by_their_rankings(api: Api, pool: str):
    def diff(one: int, other: int, limit: int = 0):
        names = (f"pools/p/promptVersions/{number}" for number in (one, other))
        request = pb.DiffPromptVersionsRequest(name=next(names), other=next(names), limit=limit)
        return api.DiffPromptVersions(request)

    found = diff(0, 1)
    assert (found.ranking_before, found.ranking_after) == (
        "pools/p/rankings/1",
        "pools/p/rankings/2",
    )
    assert (found.common, found.only_before, found.only_after) == (20, 0, 0)
    assert found.rank_correlation == -1.0
    # Classes go round with the rank, and the order is turned: 19 - i is i of class modulo 3.
    assert found.class_changes == sum(i % 3 != (19 - i) % 3 for i in range(20))
    first = found.changes[0]
    assert first.label_before != first.label_after
    assert {first.rank_before, first.rank_after} == {0, 19}
    assert first.prediction_before.label == first.label_before
    assert len(diff(0, 1, 3).changes) == 3
    same = diff(1, 2)
    assert (same.class_changes, same.rank_correlation, list(same.changes)) == (0, 1.0, [])
    with pytest.raises(NotFoundError):
        diff(0, 9)


def test_versions_of_other_classes_are_compared_by_name(
    api: Api, backend: Backend, store_uri: str, pool: str
):
    update_pool(backend.catalog, "p", PoolChange(classes=["cat", "owl", "newt"]))
    add_version(backend.catalog, store_uri, "p", item_ids(20), watermark=9)
    request = pb.DiffPromptVersionsRequest(
        name="pools/p/promptVersions/0", other="pools/p/promptVersions/3"
    )
    found = api.DiffPromptVersions(request)
    # The order is the same, and so are the numbers of the classes: 7 cats among the 20 stay cats.
    assert (found.rank_correlation, found.class_changes) == (1.0, 13)
    changes = {(each.label_before, each.label_after) for each in found.changes}
    assert changes == {("dog", "owl"), ("owl", "newt")}
    assert found.changes[0].prediction_after.label == found.changes[0].label_after


def test_versions_without_a_common_snapshot(api: Api, backend: Backend, pool: str):
    prompt_versions.add_prompt_version(backend.catalog, "p", "e" * 64, "x", 9, 9, 2, {})
    request = pb.DiffPromptVersionsRequest(
        name="pools/p/promptVersions/0", other="pools/p/promptVersions/3"
    )
    with pytest.raises(FailedPreconditionError) as caught:
        api.DiffPromptVersions(request)
    assert caught.value.reason == "NO_COMMON_SNAPSHOT"
