"""How a server stream ends with an error.

Ray Serve copies code, message and trailers from the context to the wire whenever a method hands it
something or ends well, and drops the trailers when a method raises. A unary method can return an
empty message; a stream that did so would deliver that message to the caller before the error. A
replica that listens itself has read the context when the stream ends; Serve's proxy in front of
replicas reads it with each element only.
"""

from collections.abc import Iterator

from grpc import StatusCode
from ray.serve._private.constants import RAY_SERVE_ENABLE_DIRECT_INGRESS
from ray.serve._private.proxy_request_response import ResponseStatus


class EndOfStream:
    """Last element of a failed stream: carries the context to the proxy and nothing to the caller.

    Serve serializes what a method yields by calling `SerializeToString`. The proxy takes a
    `ResponseStatus` for its own end mark: it copies the context, then sends nothing.
    """

    def SerializeToString(self) -> ResponseStatus:
        """Return the proxy's end mark instead of bytes."""
        return ResponseStatus(code=StatusCode.OK)


def last_elements() -> Iterator[EndOfStream]:
    """What a failed stream yields before it ends."""
    if not RAY_SERVE_ENABLE_DIRECT_INGRESS:
        yield EndOfStream()
