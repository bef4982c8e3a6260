"""Sends a token with every call of a channel."""

from collections.abc import Callable
from typing import Any, NamedTuple

import grpc


class _Details(NamedTuple):
    """What gRPC's interceptors are given of a call, with other metadata."""

    method: str
    timeout: float | None
    metadata: list[tuple[str, str]]
    credentials: grpc.CallCredentials | None
    wait_for_ready: bool | None
    compression: grpc.Compression | None


# Generic in the published types, and not at run time.
class _Bearer(
    grpc.UnaryUnaryClientInterceptor,  # pyright: ignore[reportMissingTypeArgument]
    grpc.UnaryStreamClientInterceptor,  # pyright: ignore[reportMissingTypeArgument]
    grpc.StreamUnaryClientInterceptor,  # pyright: ignore[reportMissingTypeArgument]
):
    def __init__(self, token: str) -> None:
        self._pair = ("authorization", f"Bearer {token}")

    def _call(self, go_on: Callable[..., Any], details: Any, request: Any) -> Any:
        named: dict[str, Any] = {name: getattr(details, name, None) for name in _Details._fields}
        named["metadata"] = [*(details.metadata or ()), self._pair]
        return go_on(_Details(**named), request)

    def intercept_unary_unary(
        self, continuation: Callable[..., Any], client_call_details: Any, request: Any
    ) -> Any:
        return self._call(continuation, client_call_details, request)

    def intercept_unary_stream(
        self, continuation: Callable[..., Any], client_call_details: Any, request: Any
    ) -> Any:
        return self._call(continuation, client_call_details, request)

    def intercept_stream_unary(
        self, continuation: Callable[..., Any], client_call_details: Any, request_iterator: Any
    ) -> Any:
        return self._call(continuation, client_call_details, request_iterator)


def with_token(channel: grpc.Channel, token: str) -> grpc.Channel:
    """The channel, sending `authorization: Bearer TOKEN`; as it is without a token."""
    return grpc.intercept_channel(channel, _Bearer(token)) if token else channel
