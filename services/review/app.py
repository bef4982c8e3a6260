"""The web application: the page's files, calls of the API in JSON, and pictures."""

from pathlib import Path

from anyio import to_thread
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from poolscore.client import Client
from poolscore.config import Settings
from poolscore.errors import InvalidInputError, PoolscoreError
from poolscore.images.reject import Reject
from services.review.clients import Clients
from services.review.door import Door
from services.review.failures import failed, no_picture
from services.review.headers import JSON, WithHeaders, check_json, check_origin, token_of
from services.review.methods import call
from services.review.pictures import Pictures

STATIC = Path(__file__).with_name("static")
MOST_BODY_BYTES = 512 * 1024
"""More than an answer with the most candidates takes."""


def create_app(settings: Settings, *, local_only: bool) -> Starlette:
    """The application in front of the API at `settings.address`.

    Raises InvalidInputError INVALID_ADDRESS, TLS_FILE_INVALID, SETTING_INVALID.
    """
    clients = Clients(settings)
    review = _Review(clients, Door(clients, local_only=local_only), settings.source_roots)
    return Starlette(
        routes=[
            Route("/session", review.session),
            Route("/call/{method}", review.call, methods=["POST"]),
            Route("/picture", review.picture),
            Mount("/", StaticFiles(directory=STATIC, html=True)),
        ],
        middleware=[Middleware(WithHeaders)],
        exception_handlers={PoolscoreError: failed, Exception: failed},
    )


class _Review:
    """What is not a file. Calls of the API wait in threads."""

    def __init__(self, clients: Clients, door: Door, source_roots: str) -> None:
        self._clients, self._door = clients, door
        self._pictures = Pictures(source_roots)

    async def session(self, request: Request) -> Response:
        """Whether the page has to ask for a token."""
        await self._enter(request)
        asks = await to_thread.run_sync(self._door.asks_for_tokens)
        return JSONResponse({"asks_for_token": asks})

    async def call(self, request: Request) -> Response:
        """Call a method of the API."""
        check_json(request.headers)
        client = await self._enter(request)
        name, body = request.path_params["method"], await _body(request)
        answer = await to_thread.run_sync(call, client, name, body)
        return Response(answer, media_type=JSON)

    async def picture(self, request: Request) -> Response:
        """A thumbnail of an item of a batch."""
        client = await self._enter(request)
        query = request.query_params
        found = await self._pictures.of(client, query.get("batch", ""), query.get("item", ""))
        if isinstance(found, Reject):
            return no_picture(found)
        return Response(found, media_type="image/jpeg")

    async def _enter(self, request: Request) -> Client:
        check_origin(request.headers)
        client = self._clients.of(token_of(request.headers))
        await to_thread.run_sync(self._door.check, request.headers)
        return client


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BODY_BYTES:
            raise InvalidInputError(
                f"the request has more than {MOST_BODY_BYTES:,} bytes", reason="REQUEST_TOO_LARGE"
            )
    return bytes(body)
