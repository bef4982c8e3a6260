"""Against a real gRPC server in this process that answers as told."""

import json
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import cast

import grpc
import pytest
from ray.serve.grpc_util import RayServegRPCContext

from poolscore.calls import errors_of, retrying
from poolscore.connection import parse_connection
from poolscore.errors import InvalidInputError, PoolscoreError, UnavailableError
from services.api.errors import describe, report


@dataclass
class Scripted(grpc.GenericRpcHandler):
    """Fails with each of these answers in turn, then succeeds."""

    failures: list[tuple[grpc.StatusCode, str, bytes]] = field(default_factory=list)
    calls: int = 0
    broken: bool = False
    """Whether it reports an unexpected error, as the service does."""

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> "grpc.RpcMethodHandler[bytes, bytes]":
        del handler_call_details
        return grpc.unary_unary_rpc_method_handler(self._answer)

    def _answer(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        self.calls += 1
        if self.broken:
            report(cast("RayServegRPCContext", context), describe(KeyError("secret")))
        if self.failures:
            code, message, details = self.failures.pop(0)
            if details:
                context.set_trailing_metadata((("grpc-status-details-bin", details),))
            context.abort(code, message)
        return request


@pytest.fixture
def server() -> Generator[tuple[Scripted, str]]:
    handler, server = Scripted(), grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield handler, f"127.0.0.1:{port}"
    server.stop(None)


def call(address: str, method: str = "/poolscore.v1.PoolService/GetPool") -> None:
    config = retrying(["poolscore.v1.PoolService"], [("poolscore.v1.PoolService", "CreatePool")])
    options = [("grpc.service_config", config)]
    connection = parse_connection(address)
    with connection.open(options) as channel, errors_of(connection):
        channel.unary_unary(method)(b"x", timeout=20)


def test_error_info_becomes_class_reason_and_metadata(server: tuple[Scripted, str]) -> None:
    handler, address = server
    failure = describe(InvalidInputError("bad name", reason="INVALID_NAME", field="parent"))
    handler.failures = [(failure.code, failure.message, failure.status().SerializeToString())]
    with pytest.raises(InvalidInputError, match="bad name") as caught:
        call(address)
    assert (caught.value.reason, caught.value.metadata) == ("INVALID_NAME", {"field": "parent"})


def test_an_unavailable_server_is_asked_again(server: tuple[Scripted, str]) -> None:
    handler, address = server
    handler.failures = [(grpc.StatusCode.UNAVAILABLE, "restarting", b"")] * 2
    call(address)
    assert handler.calls == 3


def test_a_call_whose_replica_died_is_made_again(server: tuple[Scripted, str]) -> None:
    handler, address = server
    handler.failures = [(grpc.StatusCode.INTERNAL, "The actor died unexpectedly", b"")]
    call(address)
    assert handler.calls == 2


def test_an_error_of_the_service_itself_is_not_asked_for_again(
    server: tuple[Scripted, str],
) -> None:
    handler, address = server
    handler.broken = True
    with pytest.raises(PoolscoreError) as caught:
        call(address)
    assert (caught.value.reason, handler.calls) == ("INTERNAL", 1)


def test_a_call_that_is_not_safe_to_repeat_is_made_once(server: tuple[Scripted, str]) -> None:
    handler, address = server
    handler.failures = [(grpc.StatusCode.UNAVAILABLE, "restarting", b"")]
    with pytest.raises(UnavailableError):
        call(address, "/poolscore.v1.PoolService/CreatePool")
    assert handler.calls == 1


@pytest.mark.parametrize(
    ("code", "kind", "reason"),
    [
        (grpc.StatusCode.NOT_FOUND, UnavailableError, "SERVER_STARTING"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, UnavailableError, "TIMED_OUT"),
        (grpc.StatusCode.INTERNAL, UnavailableError, "REPLICA_LOST"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, PoolscoreError, "INTERNAL"),
    ],
)
def test_a_status_without_error_info_is_not_ours(
    server: tuple[Scripted, str],
    code: grpc.StatusCode,
    kind: type[PoolscoreError],
    reason: str,
) -> None:
    handler, address = server
    handler.failures = [(code, "text of a proxy", b"")] * 4
    with pytest.raises(kind) as caught:
        call(address)
    assert caught.value.reason == reason


def test_nobody_listens() -> None:
    with pytest.raises(UnavailableError, match="poolscore serve") as caught:
        call("127.0.0.1:9")
    assert caught.value.metadata == {"address": "127.0.0.1:9"}


def test_the_service_config_is_json() -> None:
    assert json.loads(retrying(["a"], []))["methodConfig"][0]["name"] == [{"service": "a"}]
