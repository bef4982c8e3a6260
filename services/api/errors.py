"""Errors as a gRPC status with `google.rpc.ErrorInfo`, and never a traceback for the caller."""

import logging
import uuid
from dataclasses import dataclass, field
from typing import cast

import grpc
from google.protobuf import any_pb2
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
    UnavailableError,
    UnimplementedError,
)

DOMAIN = "poolscore"
"""`ErrorInfo.domain` of every error that this service sends."""

DETAILS_TRAILER = "grpc-status-details-bin"
"""Trailer that carries a serialized `google.rpc.Status`."""

_CODES: tuple[tuple[type[PoolscoreError], grpc.StatusCode], ...] = (
    (InvalidInputError, grpc.StatusCode.INVALID_ARGUMENT),
    (NotFoundError, grpc.StatusCode.NOT_FOUND),
    (AlreadyExistsError, grpc.StatusCode.ALREADY_EXISTS),
    (FailedPreconditionError, grpc.StatusCode.FAILED_PRECONDITION),
    (AbortedError, grpc.StatusCode.ABORTED),
    (UnavailableError, grpc.StatusCode.UNAVAILABLE),
    (UnimplementedError, grpc.StatusCode.UNIMPLEMENTED),
    (PermissionDeniedError, grpc.StatusCode.PERMISSION_DENIED),
)

# Trailers share the 8 KiB that HTTP/2 peers accept by default; the text travels twice.
_MESSAGE_LIMIT = 1024
_METADATA_LIMIT = 256
_METADATA_ENTRIES = 8

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Failure:
    """What a caller is told of an error."""

    code: grpc.StatusCode
    message: str
    reason: str
    metadata: dict[str, str] = field(default_factory=dict[str, str])

    def status(self) -> status_pb2.Status:
        """As `google.rpc.Status` with one `ErrorInfo`."""
        info = error_details_pb2.ErrorInfo(
            reason=self.reason, domain=DOMAIN, metadata=self.metadata
        )
        detail = any_pb2.Any()
        detail.Pack(info)
        number: int = self.code.value[0]
        return status_pb2.Status(code=number, message=self.message, details=[detail])


def describe(error: Exception) -> Failure:
    """Map an error to what the caller is told; log what the caller must not see."""
    for kind, code in _CODES:
        if isinstance(error, kind):
            return Failure(
                code, _cut(error.message, _MESSAGE_LIMIT), error.reason, _short(error.metadata)
            )
    incident = uuid.uuid4().hex
    _log.error("incident %s", incident, exc_info=error)
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
    context.set_trailing_metadata([(DETAILS_TRAILER, cast("str", details))])


def _short(metadata: dict[str, str]) -> dict[str, str]:
    entries = list(metadata.items())[:_METADATA_ENTRIES]
    return {key: _cut(str(value), _METADATA_LIMIT) for key, value in entries}


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 3] + "..."
