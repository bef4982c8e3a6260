from collections.abc import Callable
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from sqlalchemy import text

from poolscore.client import Client
from poolscore.errors import NotFoundError, PoolscoreError
from services.api.contract import Rpc, rpcs
from services.api.ingress import Api
from tests.integration.services.running import Running

MISSING = [rpc for rpc in rpcs() if not hasattr(Api, rpc.name)]
STREAMS = [rpc for rpc in rpcs() if rpc.server_streaming and rpc.service != "grpc.health.v1.Health"]


def method_of(rpc: Rpc) -> str:
    return rpc.name


def stub(channel: grpc.Channel, rpc: Rpc) -> Any:
    kind: Any = channel.unary_stream if rpc.server_streaming else channel.unary_unary
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


@pytest.mark.parametrize("rpc", MISSING, ids=method_of)
def test_what_is_not_there_yet_says_so(channel: grpc.Channel, rpc: Rpc) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        stub(channel, rpc)(rpc.request(), timeout=60)
    error: Any = caught.value
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED
    info = error_info(error)
    assert (info.reason, info.metadata["method"]) == ("UNIMPLEMENTED", rpc.name)


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


def test_an_unexpected_error_shows_an_incident_only(
    client: Client, service: Running, new_pool: Callable[..., str]
) -> None:
    pool = new_pool()
    broken = text("UPDATE pools SET encoder = '{\"model\": 5}' WHERE pool_id = :pool")
    mended = text("UPDATE pools SET encoder = '{}' WHERE pool_id = :pool")
    with service.catalog.write() as connection:
        connection.execute(broken, {"pool": pool})
    try:
        with pytest.raises(PoolscoreError) as caught:
            client.get_pool(pool)
    finally:
        with service.catalog.write() as connection:
            connection.execute(mended, {"pool": pool})
    assert caught.value.reason == "INTERNAL"
    assert caught.value.metadata["incident"] in caught.value.message
    assert "model" not in caught.value.message
    assert "pydantic" not in caught.value.message


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
