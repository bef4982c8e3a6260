"""Registers every service with Serve's gRPC proxy, which passes messages on as the bytes they are.

A proxy that parses answers what it cannot parse with UNKNOWN and the text of its exception, and
ends a stream in the middle as if the caller had. A replica parses instead, see `incoming`.
"""

from collections.abc import Callable
from typing import Any

import grpc

from services.api.contract import Rpc, rpcs

_HANDLERS: dict[tuple[bool, bool], Callable[[Any], Any]] = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}


def add_services(servicer: Any, server: grpc.Server) -> None:
    """Register all; Serve replaces what of `servicer` would answer."""
    handlers: dict[str, dict[str, Any]] = {}
    for rpc in rpcs():
        handlers.setdefault(rpc.service, {})[rpc.name] = _handler(rpc, servicer)
    for service, methods in handlers.items():
        generic = grpc.method_handlers_generic_handler(service, methods)
        server.add_generic_rpc_handlers((generic,))
        server.add_registered_method_handlers(service, methods)


def _handler(rpc: Rpc, servicer: Any) -> Any:
    return _HANDLERS[rpc.client_streaming, rpc.server_streaming](getattr(servicer, rpc.name))
