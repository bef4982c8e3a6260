"""Requests as they come from Serve's proxy: bytes, or a stream of bytes."""

from collections.abc import AsyncIterator

from google.protobuf.message import DecodeError, Message
from ray.serve.grpc_util import gRPCInputStream

from poolscore.errors import InvalidInputError
from services.api.contract import Rpc

Incoming = bytes | gRPCInputStream[bytes]
Request = Message | AsyncIterator[Message]


def read(rpc: Rpc, incoming: Incoming) -> Request:
    """The request of a method, or its requests as they come.

    Raises InvalidInputError MALFORMED_MESSAGE, of a stream where the message's turn is.
    """
    if isinstance(incoming, bytes):
        return _parse(rpc, incoming)
    return _parse_each(rpc, incoming)


async def _parse_each(rpc: Rpc, incoming: gRPCInputStream[bytes]) -> AsyncIterator[Message]:
    async for message in incoming:
        yield _parse(rpc, message)


def _parse(rpc: Rpc, message: bytes) -> Message:
    try:
        return rpc.request.FromString(message)
    except DecodeError as error:
        name = rpc.request.DESCRIPTOR.full_name
        raise InvalidInputError(
            f"these bytes are no {name}; send what its protobuf definition says, text in UTF-8",
            reason="MALFORMED_MESSAGE",
        ) from error
