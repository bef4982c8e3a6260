"""Errors as a gRPC status with `google.rpc.ErrorInfo`, and never a traceback for the caller."""

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, cast

import grpc
from google.protobuf import any_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from ray.serve.grpc_util import RayServegRPCContext

from poolscore.errors import (
    AbortedError,
    AlreadyExistsError,
    FailedPreconditionError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    PoolscoreError,
    ResourceExhaustedError,
    UnauthenticatedError,
    UnavailableError,
)
from services.told import told

DOMAIN = "poolscore"
"""`ErrorInfo.domain` of every error that this service sends."""

DETAILS_TRAILER = "grpc-status-details-bin"
"""Trailer that carries a serialized `google.rpc.Status`."""

CODES: tuple[tuple[type[PoolscoreError], grpc.StatusCode], ...] = (
    (InvalidInputError, grpc.StatusCode.INVALID_ARGUMENT),
    (NotFoundError, grpc.StatusCode.NOT_FOUND),
    (AlreadyExistsError, grpc.StatusCode.ALREADY_EXISTS),
    (FailedPreconditionError, grpc.StatusCode.FAILED_PRECONDITION),
    (AbortedError, grpc.StatusCode.ABORTED),
    (UnavailableError, grpc.StatusCode.UNAVAILABLE),
    (PermissionDeniedError, grpc.StatusCode.PERMISSION_DENIED),
    (UnauthenticatedError, grpc.StatusCode.UNAUTHENTICATED),
    (ResourceExhaustedError, grpc.StatusCode.RESOURCE_EXHAUSTED),
)
"""Which status an error becomes; the first class that fits counts."""

REQUEST_ID = "x-request-id"
"""Trailer that names the call, on success too; callers may send one under the same name."""

_NOT_AGAIN = ("grpc-retry-pushback-ms", "-1")
"""Trailer by which a server tells gRPC clients that a retry will not help (gRFC A6)."""

RETRY_AFTER = "retry_after_s"
"""Metadata of an error that passes: seconds after which a retry may succeed."""

# Trailers share the 8 KiB that HTTP/2 peers accept by default; the text travels twice.
_MESSAGE_LIMIT = 1024
_METADATA_LIMIT = 256
_METADATA_ENTRIES = 8
_PROBLEMS = 4
_PROBLEM_LIMIT = 160

_log = logging.getLogger(__name__)


class FieldProblem(NamedTuple):
    """What is wrong with one field of a request."""

    field: str
    """Path of the field, as in `spec.embed.sources[2]`."""
    message: str
    """What, where and what to do."""
    reason: str


class BadRequestError(InvalidInputError):
    """A request whose fields break the rules of the contract; takes its reason from the first."""

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        """Tell of one or more problems."""
        message = "; ".join(each.message for each in problems[:_PROBLEMS])
        super().__init__(message, reason=problems[0].reason, field=problems[0].field)
        self.problems = tuple(problems)


@dataclass(frozen=True)
class Failure:
    """What a caller is told of an error."""

    code: grpc.StatusCode
    message: str
    reason: str
    metadata: dict[str, str] = field(default_factory=dict[str, str])
    problems: tuple[FieldProblem, ...] = ()

    def status(self) -> status_pb2.Status:
        """As `google.rpc.Status` with one `ErrorInfo`, `RetryInfo` where waiting helps and
        `BadRequest` where fields are to blame."""
        details: list[Message] = [
            error_details_pb2.ErrorInfo(reason=self.reason, domain=DOMAIN, metadata=self.metadata)
        ]
        if (wait := self.metadata.get(RETRY_AFTER)) is not None:
            retry = error_details_pb2.RetryInfo()
            retry.retry_delay.FromMilliseconds(round(1000 * float(wait)))
            details.append(retry)
        if self.problems:
            details.append(_bad_request(self.problems))
        packed = [any_pb2.Any() for _ in details]
        for detail, message in zip(packed, details, strict=True):
            detail.Pack(message)
        number: int = self.code.value[0]
        return status_pb2.Status(code=number, message=self.message, details=packed)


def describe(error: Exception) -> Failure:
    """Map an error to what the caller is told; log what the caller must not see."""
    for kind, code in CODES:
        if isinstance(error, kind):
            message, incident = told(error)
            if incident:  # the service's own, not the caller's
                passes = code is grpc.StatusCode.UNAVAILABLE
                code = code if passes else grpc.StatusCode.DATA_LOSS
                return Failure(code, message, error.reason, {"incident": incident})
            return Failure(
                code,
                _cut(message, _MESSAGE_LIMIT),
                error.reason,
                _short(error.metadata),
                _problems(error),
            )
    incident = uuid.uuid4().hex
    _log.error("incident %s", incident, exc_info=error, extra={"incident": incident})
    return Failure(
        grpc.StatusCode.INTERNAL,
        f"internal error; the server's log has the details under incident {incident}",
        "INTERNAL",
        {"incident": incident},
    )


def report(context: RayServegRPCContext, failure: Failure) -> None:
    """Put a failure on Serve's context; then return: raising would lose the trailers."""
    context.set_code(failure.code)
    context.set_details(failure.message)
    details = failure.status().SerializeToString()
    # Serve's annotation says text alone; names that end in -bin carry bytes.
    trailers = [
        (key, value) for key, value in context.trailing_metadata() or () if key == REQUEST_ID
    ]
    trailers.append((DETAILS_TRAILER, cast("str", details)))
    if failure.code is grpc.StatusCode.INTERNAL:
        trailers.append(_NOT_AGAIN)
    context.set_trailing_metadata(trailers)


def _problems(error: PoolscoreError) -> tuple[FieldProblem, ...]:
    if isinstance(error, BadRequestError):
        return error.problems
    if isinstance(error, InvalidInputError) and "field" in error.metadata:
        return (FieldProblem(error.metadata["field"], error.message, error.reason),)
    return ()


def _bad_request(problems: Sequence[FieldProblem]) -> error_details_pb2.BadRequest:
    kind = error_details_pb2.BadRequest.FieldViolation
    return error_details_pb2.BadRequest(
        field_violations=[
            kind(
                field=_cut(each.field, _PROBLEM_LIMIT),
                description=_cut(each.message, _PROBLEM_LIMIT),
                reason=each.reason,
            )
            for each in problems[:_PROBLEMS]
        ]
    )


def _short(metadata: dict[str, str]) -> dict[str, str]:
    entries = list(metadata.items())[:_METADATA_ENTRIES]
    return {key: _cut(str(value), _METADATA_LIMIT) for key, value in entries}


def _cut(text: str, limit: int) -> str:
    """Shorten to `limit` bytes of UTF-8, each of which the wire may write as three."""
    data = text.encode("utf-8", "replace")
    if len(data) > limit:
        data = data[: limit - 3] + b"..."
    return data.decode("utf-8", "ignore")
