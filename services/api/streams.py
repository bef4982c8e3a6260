"""How a server stream ends with an error.

Ray Serve's proxy copies code, message and trailers from the context to the wire whenever a method
hands it something, and drops the trailers when a method raises. A unary method can return an empty
message; a stream that did so would deliver that message to the caller before the error.
"""

from grpc import StatusCode
from ray.serve._private.proxy_request_response import ResponseStatus


class EndOfStream:
    """Last element of a failed stream: carries the context to the proxy and nothing to the caller.

    Serve serializes what a method yields by calling `SerializeToString`. The proxy takes a
    `ResponseStatus` for its own end mark: it copies the context, then sends nothing.
    """

    def SerializeToString(self) -> ResponseStatus:
        """Return the proxy's end mark instead of bytes."""
        return ResponseStatus(code=StatusCode.OK)
