"""How the gRPC API listens, which Ray Serve's processes read from the environment they start with.

A replica that is alone listens itself: a call costs half the processor time that it costs through
Serve's proxy, a Python process which unpacks each call and hands it on. In front of several
replicas, and in a cluster that somebody else has started, the proxy listens.
"""

import os

from ray.serve.config import HTTPOptions

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
"""Largest gRPC message; Serve's own limit is 2 GiB."""

_DIRECT = "RAY_SERVE_ENABLE_DIRECT_INGRESS"


def listen_by_proxy() -> None:
    """Let Serve's proxy listen, within our limits."""
    os.environ |= {
        "RAY_SERVE_GRPC_MAX_MESSAGE_SIZE": str(MAX_MESSAGE_BYTES),
        "SERVE_SOCKET_REUSE_PORT_ENABLED": "0",
        _DIRECT: "0",
    }


def listen_by_replica(port: int) -> None:
    """Let the only replica listen on `port`, and its successor when it dies."""
    listen_by_proxy()
    os.environ |= {
        _DIRECT: "1",
        # The first port, and the one after the last.
        "RAY_SERVE_DIRECT_INGRESS_MIN_GRPC_PORT": str(port),
        "RAY_SERVE_DIRECT_INGRESS_MAX_GRPC_PORT": str(port + 1),
        # There is no balancer that would have to notice first that a replica ends.
        "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": "0",
        "RAY_SERVE_PORT_QUARANTINE_S": "0",
        "RAY_SERVE_RUN_USER_CODE_IN_SEPARATE_THREAD": "0",
    }


def http_options(free_port: int) -> HTTPOptions:
    """Serve's HTTP side, which nobody is told of.

    Its proxy speaks both protocols or does not start; without a host there is none.
    """
    if os.environ[_DIRECT] == "1":
        return HTTPOptions(host=None)
    return HTTPOptions(host="127.0.0.1", port=free_port)
