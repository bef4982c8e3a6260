"""Who may call: a server on a loopback address answers this machine alone."""

from urllib.parse import unquote

from poolscore.address import is_loopback
from poolscore.errors import PermissionDeniedError


def check_peer(peer: str, local_only: bool) -> None:
    """Refuse a caller from elsewhere when the service was asked to listen on a loopback address.

    Serve's gRPC proxy has no setting for the host: it listens on every interface.
    `peer` is gRPC's notation: `ipv4:1.2.3.4:5`, `ipv6:%5B::1%5D:5`, `unix:/path`.

    Raises PermissionDeniedError (LOCAL_ONLY).
    """
    kind, _, rest = unquote(peer).partition(":")
    if not local_only or kind == "unix" or is_loopback(rest.rpartition(":")[0]):
        return
    raise PermissionDeniedError(
        "this service answers callers of its own machine only; "
        "start it with POOLSCORE_ADDRESS=0.0.0.0:9000 to open it",
        reason="LOCAL_ONLY",
    )
