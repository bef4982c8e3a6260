import asyncio
from collections.abc import AsyncIterator

import pytest
from google.protobuf.message import Message
from ray.serve.grpc_util import gRPCInputStream

from poolscore.errors import InvalidInputError
from poolscore.v1 import label_service_pb2 as label_pb
from poolscore.v1 import pool_service_pb2 as pool_pb
from services.api.contract import rpcs
from services.api.incoming import read

BY_NAME = {rpc.name: rpc for rpc in rpcs()}


def test_bytes_become_the_request_of_the_method():
    request = pool_pb.GetPoolRequest(name="pools/p")
    assert read(BY_NAME["GetPool"], request.SerializeToString()) == request


@pytest.mark.parametrize("message", [b"\xff", b"\x0a\x05ab", b"\x0a\x01\xff"])
def test_what_is_no_message_is_the_callers_fault(message: bytes):
    with pytest.raises(InvalidInputError, match=r"poolscore\.v1\.GetPoolRequest") as caught:
        read(BY_NAME["GetPool"], message)
    assert caught.value.reason == "MALFORMED_MESSAGE"


def test_a_stream_is_read_up_to_what_is_no_message():
    request = label_pb.StreamLabelsRequest(parent="pools/p")

    async def sent() -> AsyncIterator[bytes]:
        yield request.SerializeToString()
        yield b"\xff"

    async def collect(messages: AsyncIterator[Message]) -> None:
        async for message in messages:
            seen.append(message)

    seen: list[Message] = []
    stream = read(BY_NAME["StreamLabels"], gRPCInputStream(sent()))
    assert not isinstance(stream, Message)
    with pytest.raises(InvalidInputError) as caught:
        asyncio.run(collect(stream))
    assert caught.value.reason == "MALFORMED_MESSAGE"
    assert seen == [request]
