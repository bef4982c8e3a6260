"""What every answer tells the browser, and what a request must tell of where it comes from."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from poolscore.errors import InvalidInputError, PermissionDeniedError

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    )
)
HEADERS = {
    "content-security-policy": _POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}

JSON = "application/json"
_BEARER = "bearer "


class WithHeaders:
    """Puts `HEADERS` on every answer, also on errors; nothing is kept by the browser unasked."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does."""

        async def send_more(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                # What has an etag may be asked for again; pictures and answers are not for disks.
                headers["cache-control"] = "no-cache" if "etag" in headers else "no-store"
            await send(message)

        await self._app(scope, receive, send_more)


def check_origin(headers: Headers) -> None:
    """Raise PermissionDeniedError CROSS_SITE for what a browser says another site's page sends."""
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise PermissionDeniedError(
            "this request comes from the page of another site; open the review page itself",
            reason="CROSS_SITE",
        )


def check_json(headers: Headers) -> None:
    """Raise InvalidInputError NOT_JSON for a body of another type.

    Browsers let any site send forms and plain text to here, and JSON only after asking this server,
    which does not agree.
    """
    if headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
        raise InvalidInputError(f"send {JSON}", reason="NOT_JSON")


def token_of(headers: Headers) -> str:
    """The token that a request carries as `authorization: Bearer`; empty for none."""
    value = headers.get("authorization", "")
    return value[len(_BEARER) :].strip() if value.lower().startswith(_BEARER) else value
