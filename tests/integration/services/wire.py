"""Requests that no honest client sends, as bytes on the wire."""

import asyncio
import base64
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import grpc
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from hypothesis import strategies as st

from services.api.contract import Rpc, rpcs

Metadata = tuple[tuple[str, str | bytes], ...]

AT_ONCE = 64
PATIENCE_S = 30.0
"""For the first answer; watches that have nothing to say are left after `SILENCE_S`."""
SILENCE_S = 0.2


@dataclass(frozen=True)
class Request:
    """A call as it goes out."""

    path: str
    body: bytes
    metadata: Metadata


@dataclass(frozen=True)
class Answer:
    """How a call ended."""

    request: Request
    code: grpc.StatusCode
    said: str
    """Everything that came back as text: details, trailers and messages."""


class Wire:
    """Messages of every method and calls of any other, for pools whose names are given."""

    def __init__(self, pools: Sequence[str], token: str) -> None:
        self._token = token
        names = [f"pools/{pool}" for pool in pools]
        children = ("runs/1", "batches/1", "rankings/1", "rankings/-", "promptVersions/0")
        items = ("items/item-0001", "items/item-0002", "snapshots/1", "labelEvents/1")
        self._names = [
            *names,
            *(f"{name}/{child}" for name in names for child in (*children, *items)),
            "pools/",
            "pools/gone",
            "pools/-/runs/999999999999999999999",
            "//../..",
        ]

    def requests(self) -> st.SearchStrategy[Request]:
        """Any request; most reach a method."""
        of_methods = st.sampled_from(rpcs()).flatmap(self._request)
        paths = st.text(_PATH, max_size=30).map("/{}".format)
        anything = st.builds(Request, paths, st.binary(max_size=50), self._metadata())
        return one_in(10, anything, of_methods)

    def _request(self, rpc: Rpc) -> st.SearchStrategy[Request]:
        valid = self._message(rpc.request.DESCRIPTOR, 3).map(
            lambda fields: _built(rpc.request, fields).SerializeToString()
        )
        return st.builds(Request, st.just(f"/{rpc.service}/{rpc.name}"), valid, self._metadata())

    def _message(self, descriptor: Any, depth: int) -> st.SearchStrategy[dict[str, Any]]:
        fields = {
            field.name: self._field(field, depth - 1)
            for field in descriptor.fields
            if depth > 1 or field.message_type is None
        }
        # Without what it is about, a request is refused before anything is done.
        about = {
            name: st.one_of(st.sampled_from(self._about(descriptor.name, name)), fields.pop(name))
            for name in ("parent", "name", "item")
            if name in fields
        }
        return st.fixed_dictionaries(about, optional=fields)

    def _about(self, message: str, field: str) -> list[str]:
        """Names that such a field of such a message may have."""
        if field != "parent":
            for word, collection in _COLLECTIONS.items():
                if word in message or field == word.lower():
                    return [name for name in self._names if f"/{collection}/" in name]
        return [name for name in self._names if name.count("/") == 1]

    def _field(self, field: FieldDescriptor, depth: int) -> st.SearchStrategy[Any]:
        if field.name in HARMLESS:
            value: st.SearchStrategy[Any] = st.sampled_from(HARMLESS[field.name])
        elif field.message_type is not None:
            value = self._message(field.message_type, depth)
        else:
            value = self._scalar(field)
        if field.is_repeated:
            return st.lists(value, max_size=3)
        return value

    def _scalar(self, field: FieldDescriptor) -> st.SearchStrategy[Any]:
        if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
            if field.type == FieldDescriptor.TYPE_BYTES:
                return st.binary(max_size=20)
            return st.one_of(st.sampled_from(self._names), st.sampled_from(WORDS), _LETTERS)
        return _SCALARS[field.cpp_type]

    def _metadata(self) -> st.SearchStrategy[Metadata]:
        right = ("authorization", f"Bearer {self._token}")
        wrong = st.one_of(
            st.sampled_from(["", "Bearer", "Bearer ", f"Basic {self._token}", "Bearer ps_0_0"]),
            st.just(f"Bearer {self._token[:-1]}"),
            _PRINTABLE.map(lambda text: f"Bearer {text}"),
        ).map(lambda value: ("authorization", value))
        other = st.one_of(
            st.tuples(
                st.sampled_from(["application", "request_id", "session_id", "traceparent", "x-a"]),
                _PRINTABLE,
            ),
            st.tuples(st.just("multiplexed_model_id"), _PRINTABLE),
            st.tuples(st.just("x-some-bin"), st.binary(max_size=20)),
        )
        usual = st.just((right,))
        odd = st.one_of(
            st.tuples(st.one_of(st.just(right), wrong), other),
            st.lists(wrong, max_size=2).map(tuple),
        )
        return one_in(5, odd, usual)


def one_in(
    times: int, seldom: st.SearchStrategy[Any], else_: st.SearchStrategy[Any]
) -> st.SearchStrategy[Any]:
    """The first of the strategies once in so many times, else the second."""
    return st.sampled_from([seldom] + [else_] * (times - 1)).flatmap(lambda chosen: chosen)


def variations(requests: Sequence[Request], each: int, chance: Random) -> list[Request]:
    """Every request, and as often as told with another message, changed in some bytes."""
    varied: list[Request] = []
    for request in requests:
        varied.append(request)
        for _ in range(each):
            body = chance.choice((request.body, request.body, chance.choice(requests).body))
            varied.append(replace(request, body=_changed(body, chance)))
    return varied


def _changed(body: bytes, chance: Random) -> bytes:
    """Pieces cut out, and others put there."""
    for _ in range(chance.choice((1, 1, 3))):
        at, cut = chance.randint(0, len(body)), chance.choice((0, 1, 1, 2, 8))
        piece = chance.choice(
            (b"", chance.randbytes(1), chance.randbytes(8), body[at : at + 9], b"\xff" * 10)
        )
        body = body[:at] + piece + body[at + cut :]
    return body


# What a valid request would make the service load, read or do for long.
HARMLESS: dict[str, list[Any]] = {
    "sources": ["/nowhere/at/all", "", "pools/gone", "/nowhere/*.tar", "\N{GRINNING FACE}"],
    "model": ["", "no-such-model", "\N{GRINNING FACE}"],
    "pretrained": ["", "no-such-weights", "/nowhere/weights.safetensors"],
}
WORDS = ["", "-", "cat", "random", "entropy", "ann", "0", "1", "x" * 3000, "\0", "é" * 700]

_COLLECTIONS = {
    "Run": "runs",
    "Batch": "batches",
    "Ranking": "rankings",
    "PromptVersion": "promptVersions",
    "Item": "items",
    "Label": "items",
}
_LETTERS = st.text(max_size=20)
_PRINTABLE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20)
_PATH = st.characters(min_codepoint=0x21, max_codepoint=0x7E)
_FLOATS = st.one_of(st.floats(width=32), st.sampled_from([0.0, -1.0, float("nan"), float("inf")]))
_SCALARS: dict[int, st.SearchStrategy[Any]] = {
    FieldDescriptor.CPPTYPE_BOOL: st.booleans(),
    FieldDescriptor.CPPTYPE_INT32: st.one_of(st.integers(-2, 3), st.integers(-(2**31), 2**31 - 1)),
    FieldDescriptor.CPPTYPE_INT64: st.one_of(st.integers(-2, 3), st.integers(-(2**63), 2**63 - 1)),
    FieldDescriptor.CPPTYPE_UINT32: st.integers(0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: st.integers(0, 2**64 - 1),
    FieldDescriptor.CPPTYPE_FLOAT: _FLOATS,
    FieldDescriptor.CPPTYPE_DOUBLE: _FLOATS,
    FieldDescriptor.CPPTYPE_ENUM: st.integers(-1, 9),
}


def _built(kind: type[Message], fields: dict[str, Any]) -> Message:
    message = kind()
    _fill(message, fields)
    return message


def _fill(message: Any, fields: dict[str, Any]) -> None:
    for name, value in fields.items():
        field = message.DESCRIPTOR.fields_by_name[name]
        target = getattr(message, name)
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            continue
        if field.is_repeated and field.message_type is not None:
            for each in value:
                _fill(target.add(), each)
        elif field.is_repeated:
            target.extend(value)
        elif field.message_type is not None:
            target.SetInParent()
            _fill(target, value)
        else:
            setattr(message, name, value)


async def send_all(address: str, requests: Sequence[Request]) -> list[Answer]:
    """Send these, many at a time; answers are in their order."""
    free = asyncio.Semaphore(AT_ONCE)

    async def one(request: Request) -> Answer:
        async with free:
            return await _send(channel, request)

    async with grpc.aio.insecure_channel(address) as channel:
        return list(await asyncio.gather(*map(one, requests)))


async def _send(channel: grpc.aio.Channel, request: Request) -> Answer:
    # As a stream of answers: so any method can be called, whatever it gives back.
    call = channel.unary_stream(request.path)(
        request.body, timeout=PATIENCE_S, metadata=request.metadata
    )
    patience = SILENCE_S if "/Watch" in request.path else PATIENCE_S
    said: list[str] = []
    try:
        while isinstance(message := await asyncio.wait_for(call.read(), patience), bytes):
            said.append(_text(message))
    except TimeoutError:
        call.cancel()  # a watch that has said what there is
        return Answer(request, grpc.StatusCode.OK, "".join(said))
    except grpc.aio.AioRpcError:
        pass
    for key, value in await call.trailing_metadata() or ():
        said.append(f"{key}: {_text(value)}")
    return Answer(request, await call.code(), "".join([*said, await call.details() or ""]))


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", "replace")


def shown(answer: Answer) -> str:
    """An answer for a person who wants to send the request again."""
    request, body = answer.request, base64.b64encode(answer.request.body).decode()
    return f"{answer.code.name} {request.path} {body} {request.metadata}: {answer.said}"
