"""Wait for a service to answer SERVING."""

import time

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from poolscore.address import is_loopback, parse_address
from poolscore.errors import UnavailableError

_INTERVAL_S = 0.1


def wait_until_serving(address: str, *, timeout_s: float = 120.0) -> None:
    """Ask `grpc.health.v1` until it says SERVING.

    Raises UnavailableError (NOT_SERVING) after `timeout_s`.
    """
    host, port = parse_address(address)
    # A service on 0.0.0.0 listens everywhere, here too.
    target = address if host not in ("0.0.0.0", "::") else f"127.0.0.1:{port}"
    deadline = time.monotonic() + timeout_s
    options = [("grpc.enable_http_proxy", int(not is_loopback(parse_address(target)[0])))]
    with grpc.insecure_channel(target, options=options) as channel:
        check = channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=HealthCheckRequest.SerializeToString,
            response_deserializer=HealthCheckResponse.FromString,
        )
        while time.monotonic() < deadline:
            if _serves(check):
                return
            # Serve has no event for "the proxy knows the application" to wait for.
            time.sleep(_INTERVAL_S)
    raise UnavailableError(
        f"the service at {address} did not answer SERVING within {timeout_s:.0f} s",
        reason="NOT_SERVING",
    )


def _serves(
    check: "grpc.UnaryUnaryMultiCallable[HealthCheckRequest, HealthCheckResponse]",
) -> bool:
    try:
        response = check(HealthCheckRequest(), timeout=5.0, wait_for_ready=True)
    except grpc.RpcError:
        return False
    return response.status == HealthCheckResponse.SERVING
