import asyncio

import pytest

from pipelines.sources.roots import SourceRoots
from poolscore.errors import (
    FailedPreconditionError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    PoolscoreError,
)
from poolscore.store import run_queue, runs
from poolscore.store.records import RunKind, RunProgress, RunState, StageSeconds
from poolscore.v1 import run_service_pb2 as pb
from services.api.backend import Backend
from services.api.ingress import Api
from tests.seeding import seed_pool

EMBED = pb.RunSpec(embed=pb.EmbedSpec(sources=["/photos", "s3://b/x"], prune=True))
TRAIN = pb.RunSpec(train=pb.TrainSpec())


@pytest.fixture
def pool(backend: Backend, store_uri: str):
    seed_pool(backend.catalog, store_uri, "p")
    return "pools/p"


def start(api: Api, spec: pb.RunSpec = EMBED, request_id: str = "", parent: str = "pools/p"):
    request = pb.StartRunRequest(parent=parent, spec=spec, request_id=request_id)
    return api.StartRun(request).run


def claim(backend: Backend):
    run = run_queue.claim_run(backend.catalog, [RunKind.TRAIN], "me", 60)
    assert run is not None
    return run


def test_a_run_is_queued_and_its_worker_woken(api: Api, pool: str, woken: list[RunKind]):
    run = start(api)
    assert (run.name, run.state) == ("pools/p/runs/2", pb.RUN_STATE_PENDING)
    assert run.spec == EMBED
    assert woken == [RunKind.EMBED]
    assert api.GetRun(pb.GetRunRequest(name=run.name)).run == run


def test_sources_with_keys_are_not_stored(api: Api, pool: str):
    spec = pb.EmbedSpec(sources=["/photos", "s3://KEY:HU/SH@b/x"])
    with pytest.raises(InvalidInputError) as caught:
        start(api, pb.RunSpec(embed=spec))
    assert caught.value.reason == "SOURCE_HAS_CREDENTIALS"
    assert "HU" not in caught.value.message


def test_sources_elsewhere_are_refused(api: Api, backend: Backend, pool: str):
    backend.roots = SourceRoots("/photos,s3://b/x")
    assert start(api).spec == EMBED
    for source in ("/photos/../etc", "s3://b/x?endpoint_override=http://169.254.169.254", "s3://c"):
        spec = pb.EmbedSpec(sources=["/photos", source])
        with pytest.raises(PermissionDeniedError) as caught:
            start(api, pb.RunSpec(embed=spec))
        assert caught.value.reason == "SOURCE_NOT_ALLOWED"
        assert source in caught.value.message


def test_the_same_request_id_returns_the_same_run(api: Api, pool: str):
    first = start(api, request_id="r1")
    assert start(api, request_id="r1") == first
    with pytest.raises(InvalidInputError) as caught:
        start(api, TRAIN, request_id="r1")
    assert caught.value.reason == "REQUEST_ID_REUSED"


def test_a_rescore_run_keeps_what_was_asked(api: Api, pool: str):
    rescore = pb.RescoreSpec(prompt_version="pools/p/promptVersions/0", strategy="margin")
    assert start(api, pb.RunSpec(rescore=rescore)).spec.rescore == rescore


@pytest.mark.parametrize(
    ("spec", "error", "reason"),
    [
        (
            pb.RunSpec(embed=pb.EmbedSpec(sources=["a", "pools/q"])),
            InvalidInputError,
            "SOURCE_NOT_ALONE",
        ),
        (
            pb.RunSpec(rescore=pb.RescoreSpec(strategy="oracle")),
            InvalidInputError,
            "UNKNOWN_STRATEGY",
        ),
        (
            pb.RunSpec(rescore=pb.RescoreSpec(prompt_version="pools/p/promptVersions/7")),
            NotFoundError,
            "PROMPT_VERSION_NOT_FOUND",
        ),
        (
            pb.RunSpec(rescore=pb.RescoreSpec(prompt_version="pools/q/promptVersions/0")),
            InvalidInputError,
            "WRONG_POOL",
        ),
    ],
)
def test_bad_specs(api: Api, pool: str, spec: pb.RunSpec, error: type[PoolscoreError], reason: str):
    with pytest.raises(error) as caught:
        start(api, spec)
    assert caught.value.reason == reason


def test_training_needs_images(api: Api, backend: Backend):
    from poolscore.encoder.spec import EncoderSpec
    from poolscore.store import pools

    pools.create_pool(backend.catalog, "p", ["a", "b"], "", EncoderSpec(), "d", "random", 0)
    with pytest.raises(FailedPreconditionError) as caught:
        start(api, TRAIN)
    assert caught.value.reason == "POOL_NOT_EMBEDDED"


def test_runs_are_listed_newest_first_in_pages(api: Api, pool: str):
    for source in "abc":
        start(api, pb.RunSpec(embed=pb.EmbedSpec(sources=[source])))
    first = api.ListRuns(pb.ListRunsRequest(parent=pool, page_size=3))
    rest = api.ListRuns(
        pb.ListRunsRequest(parent=pool, page_size=3, page_token=first.next_page_token)
    )
    names = [run.name for run in (*first.runs, *rest.runs)]
    assert names == [f"pools/p/runs/{n}" for n in (4, 3, 2, 1)]
    assert not rest.next_page_token


def test_a_waiting_run_is_cancelled_at_once(api: Api, pool: str):
    run = api.CancelRun(pb.CancelRunRequest(name=start(api).name)).run
    assert run.state == pb.RUN_STATE_CANCELLED


def test_progress_error_and_stages_arrive(api: Api, backend: Backend, pool: str):
    started = start(api, TRAIN)
    run = claim(backend)
    progress = RunProgress(10, 4, 1, {"EMPTY": 2}, 3.5, 1.5, "training")
    run_queue.heartbeat(backend.catalog, run, "me", progress)
    message = api.GetRun(pb.GetRunRequest(name=started.name)).run
    assert message.state == pb.RUN_STATE_RUNNING
    assert message.progress == pb.RunProgress(
        total=10,
        done=4,
        resumed=1,
        rejects={"EMPTY": 2},
        rate=3.5,
        seconds_left=1.5,
        message="training",
    )
    stages = (StageSeconds("train", 1.25), StageSeconds("score", 0.5))
    run_queue.finish_run(backend.catalog, run, "me", RunState.FAILED, "no labels", stages=stages)
    message = api.GetRun(pb.GetRunRequest(name=started.name)).run
    assert (message.state, message.error) == (pb.RUN_STATE_FAILED, "no labels")
    assert [(stage.stage, stage.seconds) for stage in message.stages] == [
        ("train", 1.25),
        ("score", 0.5),
    ]
    assert message.HasField("end_time")


def test_watching_ends_with_the_run(api: Api, backend: Backend, pool: str):
    name = start(api, TRAIN).name
    run = claim(backend)

    async def watch():
        seen = []
        async for response in api.WatchRun(pb.WatchRunRequest(name=name)):
            seen.append(response.run.state)
            if len(seen) == 1:
                run_queue.heartbeat(backend.catalog, run, "me", RunProgress(message="half"))
            if len(seen) == 2:
                run_queue.finish_run(backend.catalog, run, "me", RunState.SUCCEEDED)
        return seen

    assert asyncio.run(watch()) == [
        pb.RUN_STATE_RUNNING,
        pb.RUN_STATE_RUNNING,
        pb.RUN_STATE_SUCCEEDED,
    ]


def test_watching_after_a_sequence_skips_what_is_known(api: Api, backend: Backend, pool: str):
    run = api.CancelRun(pb.CancelRunRequest(name=start(api).name)).run

    async def watch(after: int):
        request = pb.WatchRunRequest(name=run.name, after_sequence=after)
        return [response.run async for response in api.WatchRun(request)]

    assert asyncio.run(watch(0)) == [run]
    assert asyncio.run(watch(run.sequence)) == []


def test_unknown_runs(api: Api, backend: Backend, pool: str):
    with pytest.raises(NotFoundError):
        api.GetRun(pb.GetRunRequest(name="pools/p/runs/99"))
    with pytest.raises(NotFoundError):
        runs.get_run(backend.catalog, "q", 1)
