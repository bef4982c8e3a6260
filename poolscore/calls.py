"""How a gRPC call ends for the client: a response, or an error of `poolscore.errors`."""

import json
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import cast

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from poolscore.connection import Connection
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
    UnimplementedError,
)

_CLASSES: dict[grpc.StatusCode, type[PoolscoreError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidInputError,
    grpc.StatusCode.NOT_FOUND: NotFoundError,
    grpc.StatusCode.ALREADY_EXISTS: AlreadyExistsError,
    grpc.StatusCode.FAILED_PRECONDITION: FailedPreconditionError,
    grpc.StatusCode.ABORTED: AbortedError,
    grpc.StatusCode.UNAVAILABLE: UnavailableError,
    grpc.StatusCode.UNIMPLEMENTED: UnimplementedError,
    grpc.StatusCode.PERMISSION_DENIED: PermissionDeniedError,
    grpc.StatusCode.UNAUTHENTICATED: UnauthenticatedError,
    grpc.StatusCode.RESOURCE_EXHAUSTED: ResourceExhaustedError,
}


def retrying(services: Sequence[str], once: Sequence[tuple[str, str]]) -> str:
    """gRPC service config (JSON) that retries on whole services, but for `once`, what passes.

    That is UNAVAILABLE, and INTERNAL: so Serve's proxy answers when the replica died that did the
    call. The service's own INTERNAL asks not to be tried again.

    `once` holds (service, method) of calls that are not safe to repeat.
    """
    retry = {
        "maxAttempts": 4,
        "initialBackoff": "0.2s",
        "maxBackoff": "2s",
        "backoffMultiplier": 2,
        "retryableStatusCodes": ["UNAVAILABLE", "INTERNAL"],
    }
    return json.dumps(
        {
            "methodConfig": [
                {"name": [{"service": name} for name in services], "retryPolicy": retry},
                {"name": [{"service": service, "method": method} for service, method in once]},
            ]
        }
    )


@contextmanager
def errors_of(address: Connection) -> Generator[None]:
    """Turn the `grpc.RpcError` of a call to `address` into an error of `poolscore.errors`."""
    try:
        yield
    except grpc.RpcError as error:
        # What stubs raise is the call itself.
        raise as_error(cast("grpc.Call", error), address) from None


def as_error(call: grpc.Call, address: Connection) -> PoolscoreError:
    """Return the error that a failed call stands for, with reason and metadata of its ErrorInfo."""
    code, message = call.code(), call.details() or ""
    info = _error_info(call)
    if info is not None:
        kind = _CLASSES.get(code, PoolscoreError)
        # `message` and `reason` are parameters of the error itself.
        metadata = {k: v for k, v in info.metadata.items() if k not in ("message", "reason")}
        return kind(message, reason=info.reason, **metadata)
    if code == grpc.StatusCode.UNAVAILABLE:
        return address.problem() or UnavailableError(
            f"no poolscore service answers at {address}; start it with `poolscore serve`, "
            "or name another address in POOLSCORE_ADDRESS",
            reason="SERVER_UNREACHABLE",
            address=str(address),
        )
    if code == grpc.StatusCode.DEADLINE_EXCEEDED:
        return UnavailableError(
            f"the service at {address} did not answer in time; try again", reason="TIMED_OUT"
        )
    if code == grpc.StatusCode.INTERNAL:
        # Ours always carry ErrorInfo; this is the proxy, whose text is of no use to anybody.
        return UnavailableError(
            f"what answered at {address} ended in the middle of the call, which may have been "
            "done; try again with the same request id",
            reason="REPLICA_LOST",
        )
    if code == grpc.StatusCode.NOT_FOUND:
        # Ours always carry ErrorInfo; this is the proxy before the application is there.
        return UnavailableError(
            f"the service at {address} is still starting; try again", reason="SERVER_STARTING"
        )
    return PoolscoreError(f"{code.name}: {message.splitlines()[0] if message else 'no message'}")


def _error_info(call: grpc.Call) -> error_details_pb2.ErrorInfo | None:
    status = rpc_status.from_call(call)
    for detail in status.details if status else ():
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            return info
    return None
