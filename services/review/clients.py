"""Connections to the API, one a token."""

from functools import lru_cache

from poolscore.access.token import parse_token
from poolscore.client import Client
from poolscore.config import Settings
from poolscore.errors import UnauthenticatedError

NO_TOKEN = ""

TIMEOUT_S = 20.0
"""A person waits for each call."""
_HELD = 256
"""Tokens that are remembered; connections themselves are shared."""


class Clients:
    """Makes the client of each token when it is first seen."""

    def __init__(self, settings: Settings) -> None:
        """Connect to `settings.address`, lazily.

        Raises InvalidInputError INVALID_ADDRESS, TLS_FILE_INVALID.
        """
        self._settings = settings
        self._client = lru_cache(_HELD)(self._connect)
        self._client(NO_TOKEN)  # a wrong address is wrong from the start

    def of(self, token: str) -> Client:
        """The client that sends this token.

        Raises UnauthenticatedError TOKEN_INVALID for a text that cannot be one; InvalidInputError
        TOKEN_UNPROTECTED when the way to the API would show it to others.
        """
        if token and parse_token(token) is None:
            raise UnauthenticatedError(
                "this is not a token: one begins with 'ps_' and has 60 characters; "
                "`poolscore token create` makes one",
                reason="TOKEN_INVALID",
            )
        return self._client(token)

    def _connect(self, token: str) -> Client:
        # Never the token of this process's own settings: whoever opens the page has only their own.
        address, tls = self._settings.address, self._settings.tls
        return Client(address, token=token, tls=tls, timeout_s=TIMEOUT_S)
