"""What Label Studio and browsers call: a model backend, a webhook, and images."""

import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from poolscore.client import Client
from poolscore.errors import InvalidInputError, NotFoundError, PoolscoreError
from services.handoff.label_studio import Interface
from services.label_studio.bridge import Bridge
from services.label_studio.images import Images
from services.label_studio.keys import Keys
from services.label_studio.predicting import current_version, predict

_log = logging.getLogger(__name__)
MAX_BODY = 8 * 2**20
"""Bytes of a request; more are refused unread."""
_TRAIN = "START_TRAINING"
Handler = Callable[[Any], Awaitable[Any]]


class App:
    """The HTTP side of the bridge."""

    def __init__(
        self,
        client: Client,
        pool: str,
        interface: Interface,
        bridge: Bridge,
        images: Images,
        keys: Keys,
    ) -> None:
        """Answer for one pool and project."""
        self._client, self._pool, self._interface = client, pool, interface
        self._bridge, self._images, self._keys = bridge, images, keys

    def asgi(self) -> Starlette:
        """The application."""
        return Starlette(
            routes=[
                Route("/health", self._health),
                Route("/", self._health),
                Route("/setup", self._checked(self._setup), methods=["POST"]),
                Route("/predict", self._checked(self._predict), methods=["POST"]),
                Route("/train", self._checked(self._train), methods=["POST"]),
                Route("/webhook", self._checked(self._webhook), methods=["POST"]),
                Route("/images/{batch}/{item:path}", self._image),
            ]
        )

    async def _health(self, request: Request) -> Response:
        # With a password, a wrong one is told: Label Studio tries it here.
        given = request.headers.get("authorization")
        if given is not None and not self._keys.admits(given):
            return _problem(401, "the password is not the bridge's")
        return JSONResponse({"status": "UP", "model_class": "poolscore"})

    async def _setup(self, _: Any) -> Any:
        version = await run_in_threadpool(current_version, self._client, self._pool)
        return {"model_version": version}

    async def _predict(self, content: Any) -> Any:
        tasks = content.get("tasks") if isinstance(content, dict) else None
        if not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
            raise InvalidInputError("'tasks' must be a list of tasks", reason="INVALID_REQUEST")
        arguments = self._client, self._pool, self._interface, tasks
        return {"results": await run_in_threadpool(predict, *arguments)}

    async def _train(self, _: Any) -> Any:
        run = await run_in_threadpool(self._client.train, self._pool)
        _log.info("training asked for", extra={"run": run.name})
        return {}

    async def _webhook(self, content: Any) -> Any:
        """Look into Label Studio; what the call itself says is not believed."""
        if isinstance(content, dict) and content.get("action") == _TRAIN:
            return await self._train(content)
        self._bridge.look()
        return {}

    async def _image(self, request: Request) -> Response:
        path, key = request.path_params, request.query_params.get("key", "")
        try:
            data, kind = await run_in_threadpool(
                self._images.read, path["batch"], path["item"], key
            )
        except NotFoundError as error:
            return _problem(404, error.message)
        except PoolscoreError as error:
            return _problem(503, error.message)
        headers = {
            # Label Studio's page reads images by script; who may is said by the address.
            "Access-Control-Allow-Origin": "*",
            "Cache-Control": "private, max-age=3600",
            "X-Content-Type-Options": "nosniff",
        }
        return Response(data, media_type=kind, headers=headers)

    def _checked(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """Only for Label Studio, with a bounded body, and errors as answers."""

        async def answer(request: Request) -> Response:
            if not self._keys.admits(request.headers.get("authorization", "")):
                return _problem(401, "only Label Studio may call this")
            body = await _body(request)
            if body is None:
                return _problem(413, f"a request may have {MAX_BODY:,} bytes")
            try:
                return JSONResponse(await handler(_parsed(body)))
            except InvalidInputError as error:
                return _problem(400, error.message)
            except PoolscoreError as error:
                _log.warning(error.message, extra={"reason": error.reason})
                return _problem(503, error.message)

        return answer


async def _body(request: Request) -> bytes | None:
    """The body; None for one that is too long."""
    body = bytearray()
    try:
        async for part in request.stream():
            body += part
            if len(body) > MAX_BODY:
                return None
    except ClientDisconnect:
        return None
    return bytes(body)


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body) if body else {}
    except (ValueError, RecursionError) as error:
        raise InvalidInputError("the body is no JSON", reason="INVALID_REQUEST") from error


def _problem(status: int, detail: str) -> JSONResponse:
    return JSONResponse({"error": detail}, status_code=status)
