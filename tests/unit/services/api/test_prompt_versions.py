import asyncio

import pytest

from poolscore.errors import FailedPreconditionError, NotFoundError
from poolscore.store import pools, prompt_versions
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
