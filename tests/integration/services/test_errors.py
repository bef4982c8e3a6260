from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from poolscore.client import Client
from poolscore.errors import NotFoundError, PoolscoreError
from services.api.contract import Rpc, rpcs

STREAMS = [rpc for rpc in rpcs() if rpc.server_streaming and rpc.service != "grpc.health.v1.Health"]


def method_of(rpc: Rpc) -> str:
    return rpc.name


def stub(channel: grpc.Channel, rpc: Rpc) -> Any:
    kind: Any = channel.unary_stream if rpc.server_streaming else channel.unary_unary
    if rpc.client_streaming:
        kind = channel.stream_unary
    return kind(
        f"/{rpc.service}/{rpc.name}",
        request_serializer=rpc.request.SerializeToString,
        response_deserializer=rpc.response.FromString,
    )


def error_info(error: Any) -> error_details_pb2.ErrorInfo:
    status = rpc_status.from_call(error)
    assert status is not None
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    return info


@pytest.mark.parametrize("rpc", [rpc for rpc in rpcs() if rpc.name != "Watch"], ids=method_of)
def test_a_request_that_says_nothing_is_answered(channel: grpc.Channel, rpc: Rpc) -> None:
    """With what it lacks, or with what can be said without: no method is missing or breaks."""
    request = iter(()) if rpc.client_streaming else rpc.request()
    call = stub(channel, rpc)
    try:
        answer = call(request, timeout=60)
        assert list(answer) if rpc.server_streaming else isinstance(answer, rpc.response)
    except grpc.RpcError as caught:
        error: Any = caught
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert error_info(error).reason not in ("", "INTERNAL")


@pytest.mark.parametrize("rpc", STREAMS, ids=method_of)
def test_a_stream_that_cannot_begin_sends_its_error_and_no_message(
    channel: grpc.Channel, rpc: Rpc
) -> None:
    messages: list[Message] = []
    with pytest.raises(grpc.RpcError) as caught:
        messages.extend(stub(channel, rpc)(rpc.request(), timeout=60))
    assert messages == []
    error: Any = caught.value
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert error_info(error).reason == "INVALID_NAME"


def test_a_request_against_the_rules_is_told_which_fields(channel: grpc.Channel) -> None:
    (lease,) = (rpc for rpc in rpcs() if rpc.name == "LeaseBatch")
    with pytest.raises(grpc.RpcError) as caught:
        stub(channel, lease)(lease.request(parent="pools/p", size=1001), timeout=60)
    error: Any = caught.value
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert error_info(error).reason == "INVALID_SIZE"
    status = rpc_status.from_call(error)
    assert status is not None
    details = error_details_pb2.BadRequest()
    assert status.details[1].Unpack(details)
    assert [each.field for each in details.field_violations] == ["size", "annotator"]
    assert "less than or equal to 1000" in details.field_violations[0].description


def test_an_unexpected_error_shows_an_incident_only(client: Client, broken_pool: str) -> None:
    with pytest.raises(PoolscoreError) as caught:
        client.get_pool(broken_pool)
    assert caught.value.reason == "INTERNAL"
    assert caught.value.metadata["incident"] in caught.value.message
    assert "iterable" not in caught.value.message
    assert "TypeError" not in caught.value.message


def test_a_message_over_the_cap_is_refused(client: Client) -> None:
    with pytest.raises(PoolscoreError, match="RESOURCE_EXHAUSTED"):
        client.embed("p", "x" * (17 * 1024 * 1024))


def test_the_client_raises_the_class_with_reason_and_metadata(client: Client) -> None:
    with pytest.raises(NotFoundError) as caught:
        client.get_pool("gone")
    assert caught.value.reason == "POOL_NOT_FOUND"
    assert caught.value.metadata == {"pool": "gone"}
    with pytest.raises(NotFoundError):
        next(client.watch_run("pools/gone/runs/1"))
