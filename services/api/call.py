"""One call while it is answered: its request id, its place in the logs, its measurements."""

import logging
import re
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from time import perf_counter

from google.protobuf.message import Message
from ray.serve.grpc_util import RayServegRPCContext
from structlog.contextvars import bind_contextvars, clear_contextvars

from poolscore.access.caller import current_caller
from services.api import names
from services.api.access import named_by
from services.api.contract import Rpc
from services.api.errors import REQUEST_ID, Failure
from services.metrics import RpcMeter

_REQUEST_ID = re.compile(r"[!-~]{1,128}")
"""What may stand in a header."""
_WORDS = {names.RUNS: "run", names.PROMPT_VERSIONS: "prompt_version"}
_LONGEST = 128
_LOUD = {"INTERNAL", "UNAVAILABLE"}

_log = logging.getLogger(__name__)


class Call:
    """What is known of a call."""

    failure: Failure | None = None

    def __init__(self, rpc: Rpc, context: RayServegRPCContext) -> None:
        """Name it by what came with it, until the request is read."""
        self._rpc, self._context = rpc, context
        given = [value for key, value in context.invocation_metadata() if key == REQUEST_ID]
        self._named(next((str(each) for each in given if _is_request_id(each)), uuid.uuid4().hex))

    def is_about(self, request: object) -> None:
        """Name it, in the logs and to the caller, by what the request says of itself."""
        bind_contextvars(**_subject(self._rpc, request))
        own = getattr(request, "request_id", "")
        if _is_request_id(own):
            self._named(own)

    def _named(self, request_id: str) -> None:
        bind_contextvars(request_id=request_id)
        self._context.set_trailing_metadata([(REQUEST_ID, request_id)])


@contextmanager
def observed(rpc: Rpc, context: RayServegRPCContext, meter: RpcMeter) -> Generator[Call]:
    """Name, measure and log a call until the block ends.

    Lines that are logged meanwhile bear the method, the request id and what the request is about;
    the caller gets the id as trailing metadata. The end is logged at DEBUG, or INFO when the call
    was refused, WARNING when it is the service's fault.
    """
    clear_contextvars()
    bind_contextvars(method=rpc.name)
    call, began = Call(rpc, context), perf_counter()
    meter.begin()
    code, reason = "CANCELLED", ""
    try:
        yield call
        code = "OK"
    finally:
        seconds = perf_counter() - began
        if call.failure is not None:
            code, reason = call.failure.code.name, call.failure.reason
        meter.end(rpc.name, code, reason, seconds)
        _note(code, reason, seconds)


def _note(code: str, reason: str, seconds: float) -> None:
    level = logging.WARNING if code in _LOUD else logging.INFO if reason else logging.DEBUG
    if _log.isEnabledFor(level):
        fields = {"code": code, "duration_s": round(seconds, 6)}
        if reason:
            fields["reason"] = reason
        if token_id := current_caller().token_id:
            fields["caller"] = token_id
        _log.log(level, "call ended", extra=fields)


def _is_request_id(value: str | bytes) -> bool:
    """Whether a header can hold it."""
    return isinstance(value, str) and _REQUEST_ID.fullmatch(value) is not None


def _subject(rpc: Rpc, request: object) -> dict[str, str | int]:
    """The pool that a request names, and the run or prompt version."""
    name = named_by(rpc, request) if isinstance(request, Message) else ""
    if not name:
        return {}
    pool, collection, child = (*name.removeprefix("pools/").split("/", 2), "", "")[:3]
    found: dict[str, str | int] = {"pool": pool[:_LONGEST]}
    if collection in _WORDS and child.isdecimal() and len(child) < 19:
        found[_WORDS[collection]] = int(child)
    return found
