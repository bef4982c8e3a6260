"""Against a real gRPC server in this process that answers as told."""

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import grpc
import pytest

from poolscore import client as clients
from poolscore.client import Client
from poolscore.errors import UnavailableError
from poolscore.v1 import prompt_version_service_pb2 as prompt_pb
from poolscore.v1 import run_service_pb2 as run_pb


class Server:
    """Sends one change a connection, then holds the stream until it is told to end."""

    def __init__(self) -> None:
        self.after: list[int | str] = []
        self.over = Event()

    def watch_run(
        self, request: run_pb.WatchRunRequest, context: grpc.ServicerContext
    ) -> Iterator[run_pb.WatchRunResponse]:
        del context
        self.after.append(request.after_sequence)
        sequence = request.after_sequence + 1
        yield run_pb.WatchRunResponse(run=run_pb.Run(name=request.name, sequence=sequence))
        if sequence < 3:
            self.over.wait(30)

    def watch_versions(
        self, request: prompt_pb.WatchPromptVersionsRequest, context: grpc.ServicerContext
    ) -> Iterator[prompt_pb.WatchPromptVersionsResponse]:
        del context
        self.after.append(request.resume_token)
        number = int(request.resume_token or "0")
        version = prompt_pb.PromptVersion(name=f"pools/p/promptVersions/{number}")
        yield prompt_pb.WatchPromptVersionsResponse(
            prompt_version=version, resume_token=f"{number + 1}"
        )
        self.over.wait(30)


class Place:
    """A port where the server is, or is not."""

    def __init__(self, server: Server) -> None:
        self._server, self._port = server, 0
        self.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._port}"

    def start(self) -> None:
        self._running = grpc.server(ThreadPoolExecutor(2))
        run = grpc.unary_stream_rpc_method_handler(
            self._server.watch_run,
            run_pb.WatchRunRequest.FromString,
            run_pb.WatchRunResponse.SerializeToString,
        )
        versions = grpc.unary_stream_rpc_method_handler(
            self._server.watch_versions,
            prompt_pb.WatchPromptVersionsRequest.FromString,
            prompt_pb.WatchPromptVersionsResponse.SerializeToString,
        )
        named = grpc.method_handlers_generic_handler
        services = (
            named("poolscore.v1.RunService", {"WatchRun": run}),
            named("poolscore.v1.PromptVersionService", {"WatchPromptVersions": versions}),
        )
        self._running.add_generic_rpc_handlers(services)
        self._port = self._running.add_insecure_port(self.address)
        self._running.start()

    def stop(self) -> None:
        """Break every connection."""
        stopped = self._running.stop(None)
        self._server.over.set()
        stopped.wait()
        self._server.over.clear()

    def restart(self) -> None:
        self.stop()
        self.start()


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def place(server: Server) -> Generator[Place]:
    place = Place(server)
    yield place
    place.stop()


@pytest.fixture
def client(place: Place) -> Generator[Client]:
    with Client(place.address) as client:
        yield client


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "_RECONNECT_S", 0.01)


def test_a_run_is_watched_on_after_the_connection_was_lost(
    server: Server, place: Place, client: Client
) -> None:
    seen: list[int] = []
    for run in client.watch_run("pools/p/runs/1"):
        seen.append(run.sequence)
        if run.sequence < 3:
            place.restart()
    assert seen == [1, 2, 3]
    assert server.after == [0, 1, 2]


def test_switches_are_watched_on_after_the_connection_was_lost(
    server: Server, place: Place, client: Client
) -> None:
    versions = client.watch_prompt_versions("p")
    first = next(versions)
    place.restart()
    second = next(versions)
    assert [first.name[-1], second.name[-1]] == ["0", "1"]
    assert server.after == ["", "1"]


def test_a_watch_ends_at_its_deadline(client: Client) -> None:
    watch = client.watch_run("pools/p/runs/1", timeout_s=0.5)
    assert next(watch).sequence == 1
    with pytest.raises(UnavailableError) as caught:
        next(watch)
    assert caught.value.reason == "TIMED_OUT"


def test_a_server_that_stays_away_is_given_up(
    place: Place, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "_RECONNECTS", 1)
    watch = client.watch_run("pools/p/runs/1")
    assert next(watch).sequence == 1
    place.stop()
    with pytest.raises(UnavailableError) as caught:
        next(watch)
    assert caught.value.reason == "SERVER_UNREACHABLE"


def test_what_never_answered_is_no_lost_connection(
    place: Place, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "_RECONNECT_S", 1e6)  # the test would never end
    place.stop()
    with pytest.raises(UnavailableError) as caught:
        next(client.watch_run("pools/p/runs/1"))
    assert caught.value.reason == "SERVER_UNREACHABLE"
