"""Calls of Label Studio's HTTP API, with errors in words."""

from typing import Any
from urllib.parse import urlsplit

import requests

from poolscore.address import is_loopback
from poolscore.errors import (
    FailedPreconditionError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    PoolscoreError,
    UnauthenticatedError,
    UnavailableError,
)

_TIMEOUT_S = 60.0
_DETAIL = 300

_ERRORS: dict[int, type[PoolscoreError]] = {
    401: UnauthenticatedError,
    403: PermissionDeniedError,
    404: NotFoundError,
}


class Http:
    """A connection to one Label Studio server as one of its users."""

    def __init__(self, url: str, token: str) -> None:
        """Connect lazily with a personal access token or one of the older kind.

        Raises InvalidInputError INVALID_URL or LABEL_STUDIO_TOKEN_MISSING.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InvalidInputError(
                f"'{url}' is not the address of a Label Studio server; write it as in "
                "http://localhost:8080",
                reason="INVALID_URL",
            )
        if not token:
            raise InvalidInputError(
                "no token for Label Studio; make one there under Account & Settings > Personal "
                "Access Token and put it into the variable LABEL_STUDIO_API_KEY",
                reason="LABEL_STUDIO_TOKEN_MISSING",
            )
        self.url = url.rstrip("/")
        self.token = token
        self._session = requests.Session()
        # A web proxy of the environment cannot reach this machine's own loopback address.
        self._session.trust_env = not is_loopback(parts.hostname)

    def get(self, path: str, **params: Any) -> Any:
        """GET and return the JSON."""
        return self._call("GET", path, params=params)

    def send(self, method: str, path: str, content: Any, **params: Any) -> Any:
        """POST, PATCH or DELETE with JSON; return the JSON that is answered."""
        return self._call(method, path, params=params, json=content)

    def _call(self, method: str, path: str, **arguments: Any) -> Any:
        response = self._request(method, path, **arguments)
        if response.status_code == 401 and self._refresh():
            response = self._request(method, path, **arguments)
        return self._json(response)

    def _request(self, method: str, path: str, **arguments: Any) -> requests.Response:
        if "Authorization" not in self._session.headers:
            self._refresh()
        try:
            return self._session.request(
                method, f"{self.url}{path}", timeout=_TIMEOUT_S, **arguments
            )
        except requests.RequestException as error:
            raise self._unreachable(error) from error

    def _refresh(self) -> bool:
        """Get a new access token for a personal one; False for one of the older kind."""
        if self.token.count(".") != 2:
            self._session.headers["Authorization"] = f"Token {self.token}"
            return False
        self._session.headers.pop("Authorization", None)
        try:
            response = self._session.post(
                f"{self.url}/api/token/refresh/", json={"refresh": self.token}, timeout=_TIMEOUT_S
            )
        except requests.RequestException as error:
            raise self._unreachable(error) from error
        self._session.headers["Authorization"] = f"Bearer {self._json(response)['access']}"
        return True

    def _unreachable(self, error: Exception) -> UnavailableError:
        return UnavailableError(
            f"cannot reach Label Studio at {self.url}: {type(error).__name__}; start it, or name "
            "another address",
            reason="LABEL_STUDIO_UNREACHABLE",
        )

    def _json(self, response: requests.Response) -> Any:
        status = response.status_code
        try:
            found = response.json() if response.content else None
        except requests.JSONDecodeError:
            found = None
            status = status if status >= 400 else 502  # a page of a proxy, or of something else
        if status < 400:
            return found
        detail = found.get("detail", found) if isinstance(found, dict) else response.reason
        problem = f"Label Studio at {self.url} answers {status}: {str(detail)[:_DETAIL]}"
        if status == 401:
            problem += "; give another token in LABEL_STUDIO_API_KEY"
        if status >= 500:
            raise UnavailableError(problem, reason="LABEL_STUDIO_FAILED")
        kind = _ERRORS.get(status, FailedPreconditionError)
        raise kind(problem, reason="LABEL_STUDIO_REFUSED")
