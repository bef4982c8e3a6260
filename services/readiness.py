"""Wait for a service to answer SERVING."""

import time
from dataclasses import replace

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from poolscore.address import is_loopback
from poolscore.config import Settings
from poolscore.connection import parse_connection
from poolscore.errors import UnavailableError

_INTERVAL_S = 0.1
_ANSWER_S = 5.0


def wait_until_serving(address: str, *, timeout_s: float = 120.0) -> None:
    """Ask `grpc.health.v1` until it says SERVING; an `https://` address means TLS, as for clients.

    Raises UnavailableError (NOT_SERVING) after `timeout_s`, InvalidInputError (INVALID_ADDRESS,
    TLS_FILE_INVALID).
    """
    connection = parse_connection(address, Settings().tls)
    if connection.host in ("0.0.0.0", "::"):  # it listens everywhere, here too
        connection = replace(connection, host="127.0.0.1")
    deadline = time.monotonic() + timeout_s
    options = [("grpc.enable_http_proxy", int(not is_loopback(connection.host)))]
    with connection.open(options) as channel:
        check = channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=HealthCheckRequest.SerializeToString,
            response_deserializer=HealthCheckResponse.FromString,
        )
        while (left := deadline - time.monotonic()) > 0:
            if _serves(check, min(_ANSWER_S, left)):
                return
            # Serve has no event for "the proxy knows the application" to wait for.
            time.sleep(_INTERVAL_S)
    raise UnavailableError(
        f"the service at {address} did not answer SERVING within {timeout_s:.0f} s",
        reason="NOT_SERVING",
    )


def _serves(
    check: "grpc.UnaryUnaryMultiCallable[HealthCheckRequest, HealthCheckResponse]",
    timeout_s: float,
) -> bool:
    try:
        response = check(HealthCheckRequest(), timeout=timeout_s, wait_for_ready=True)
    except grpc.RpcError:
        return False
    return response.status == HealthCheckResponse.SERVING
