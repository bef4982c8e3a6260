from collections.abc import Callable

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from poolscore.client import Client
from poolscore.store import run_queue
from poolscore.store.records import RunKind, RunProgress, RunState
from poolscore.v1 import run_service_pb2 as run_pb
from tests.integration.services.running import Running
from tests.seeding import add_version, item_ids


def test_a_run_is_watched_until_it_has_ended(
    client: Client, service: Running, new_pool: Callable[..., str]
) -> None:
    pool, catalog = new_pool(), service.catalog
    # Held by this test from the start, so that no worker takes it.
    run = run_queue.begin_run(catalog, pool, RunKind.EMBED, {"sources": ["s"]}, "test")
    seen: list[run_pb.Run] = []
    for message in client.watch_run(run.name):
        seen.append(message)
        if len(seen) == 1:
            run_queue.heartbeat(catalog, run, "test", RunProgress(total=2, done=1))
        if len(seen) == 2:
            run_queue.finish_run(catalog, run, "test", RunState.FAILED, "no such folder")
    assert [message.state for message in seen] == [
        run_pb.RUN_STATE_RUNNING,
        run_pb.RUN_STATE_RUNNING,
        run_pb.RUN_STATE_FAILED,
    ]
    assert seen[1].progress.done == 1
    assert seen[2].error == "no such folder"
    assert [message.sequence for message in seen] == [2, 3, 4]


def test_switches_of_the_prompt_version_are_watched(
    client: Client, service: Running, new_pool: Callable[..., str]
) -> None:
    pool = new_pool()
    seen: list[str] = []
    for version in client.watch_prompt_versions(pool):
        seen.append(version.name.rpartition("/")[2])
        if seen == ["0"]:
            add_version(service.catalog, service.store_uri, pool, item_ids(20), watermark=1)
        elif seen == ["0", "1"]:
            client.activate(f"pools/{pool}/promptVersions/0")
        else:
            break
    assert seen == ["0", "1", "0"]


def test_health_is_watched(channel: grpc.Channel) -> None:
    watch = channel.unary_stream(
        "/grpc.health.v1.Health/Watch",
        request_serializer=HealthCheckRequest.SerializeToString,
        response_deserializer=HealthCheckResponse.FromString,
    )
    stream = watch(HealthCheckRequest(service=""))
    assert next(stream).status == HealthCheckResponse.SERVING
    stream.cancel()
