"""What the page may call of the contract, and how JSON becomes such a call.

The API judges every call by the token that came with it. What else a token may do stays out of a
browser: the page is for labeling.
"""

from typing import Any

from google.protobuf.json_format import MessageToJson, Parse, ParseError
from google.protobuf.message import Message

from poolscore.calls import errors_of
from poolscore.client import Client
from poolscore.errors import InvalidInputError, NotFoundError
from services.api.contract import Rpc, rpcs

ALLOWED = (
    "ListPools",
    "GetPool",
    "LeaseBatch",
    "GetBatch",
    "ExtendBatch",
    "ReleaseBatch",
    "ExplainItem",
    "SubmitLabels",
    "RetractLabel",
    "ListPromptVersions",
)

_HEAVY = {"ListPools": "pools", "ListPromptVersions": "prompt_versions"}
"""Lists in which each member names all its classes, thousands perhaps; `GetPool` has them once."""

_RPCS = {rpc.name: rpc for rpc in rpcs() if rpc.name in ALLOWED}


def call(client: Client, name: str, body: bytes) -> str:
    """Call a method with a request in the contract's JSON; returns the response in the same.

    Raises NotFoundError METHOD_UNKNOWN, InvalidInputError INVALID_JSON, and what the API says.
    """
    rpc = _RPCS.get(name)
    if rpc is None:
        raise NotFoundError(
            f"the review page has no method '{name}'; it has {', '.join(ALLOWED)}",
            reason="METHOD_UNKNOWN",
        )
    response = _answer(client, rpc, _request(rpc, body))
    for each in getattr(response, _HEAVY[name]) if name in _HEAVY else ():
        each.ClearField("classes")
    return MessageToJson(
        response,
        preserving_proto_field_name=True,
        always_print_fields_with_no_presence=True,
        indent=None,
        ensure_ascii=False,
    )


def _request(rpc: Rpc, body: bytes) -> Message:
    try:
        return Parse(body, rpc.request())
    except (ParseError, UnicodeDecodeError) as error:
        raise InvalidInputError(
            f"the request is no {rpc.request.DESCRIPTOR.name} in JSON: {error}",
            reason="INVALID_JSON",
        ) from error


def _answer(client: Client, rpc: Rpc, request: Message) -> Message:
    method: Any = client.channel.unary_unary(
        f"/{rpc.service}/{rpc.name}",
        request_serializer=rpc.request.SerializeToString,
        response_deserializer=rpc.response.FromString,
    )
    with errors_of(client.address):
        return method(request, timeout=client.timeout_s)
