"""Who may use the page at all; what they may do there is for the API to judge."""

from collections.abc import Mapping
from time import monotonic
from urllib.parse import urlsplit

from poolscore.address import is_loopback
from poolscore.errors import PermissionDeniedError, UnauthenticatedError
from services.review.clients import NO_TOKEN, Clients
from services.review.methods import call

_OF_PROXIES = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")

BELIEVED_S = 30.0
"""How long it is believed whether the API asks for tokens."""


class Door:
    """Lets everybody in to an API that asks for tokens; to another one only this machine.

    Else the page would show to a network what the API shows to its own machine alone, or to any web
    site whose name is made to mean this machine.
    """

    def __init__(self, clients: Clients, *, local_only: bool) -> None:
        """`local_only` says that the page itself answers this machine alone."""
        self._clients, self._local_only = clients, local_only
        self._known: tuple[float, bool] | None = None

    def check(self, headers: Mapping[str, str]) -> None:
        """Raise PermissionDeniedError PAGE_NOT_LOCAL for a request that may not be.

        A proxy on this machine has callers from elsewhere, which it may say in headers. Raises
        UnavailableError when the API is away.
        """
        passed_on = any(name in headers for name in _OF_PROXIES)
        if self._local_only and is_loopback(_name(headers.get("host", ""))) and not passed_on:
            return
        if not self.asks_for_tokens():
            raise PermissionDeniedError(
                "the poolscore service behind this page asks for no token, so the page is for its "
                "own machine only: open it there as http://localhost:PORT, and not through a "
                "proxy, or start the service with POOLSCORE_TOKENS=always",
                reason="PAGE_NOT_LOCAL",
            )

    def asks_for_tokens(self) -> bool:
        """Whether the API asks for tokens. Raises UnavailableError when it is away."""
        known = self._known
        if known is None or monotonic() - known[0] > BELIEVED_S:
            # Several threads may ask at once: better than all waiting for one that hangs.
            known = self._known = monotonic(), self._ask()
        return known[1]

    def _ask(self) -> bool:
        try:
            call(self._clients.of(NO_TOKEN), "ListPools", b'{"page_size": 1}')
        except UnauthenticatedError:
            return True
        return False


def _name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
