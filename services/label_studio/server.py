"""The bridge as a running service."""

import socket
from dataclasses import dataclass

import uvicorn

from poolscore.address import parse_address
from poolscore.client import Client
from poolscore.errors import FailedPreconditionError
from services.label_studio.app import App
from services.label_studio.bridge import Bridge
from services.label_studio.http import Http
from services.label_studio.images import Images
from services.label_studio.keys import Keys
from services.label_studio.project import Project
from services.label_studio.queue import Queue
from services.label_studio.recording import Recorder
from services.label_studio.setup import connect, ensure_interface, find_project

_CONNECTIONS = 512


@dataclass(frozen=True)
class Options:
    """What a bridge connects."""

    pool: str
    url: str
    """Of Label Studio."""
    token: str
    """Of a user of Label Studio."""
    project: int | None = None
    """None: the one titled after the pool."""
    size: int = 20
    """Images of a batch."""
    listen: str = "127.0.0.1:0"
    """host:port."""
    public_url: str = ""
    """Where browsers and Label Studio reach the bridge; empty: where it listens."""
    address: str | None = None
    """Of the poolscore service; None: the setting."""


class Running:
    """A bridge that listens; `serve` answers."""

    def __init__(
        self, client: Client, bridge: Bridge, server: uvicorn.Server, listening: socket.socket
    ) -> None:
        """Made by `start_bridge`."""
        self._client, self._bridge = client, bridge
        self._server, self._listening = server, listening

    def serve(self) -> None:
        """Answer, and keep pool and project in step, until SIGINT, SIGTERM or `end`."""
        self._bridge.start()
        try:
            self._server.run(sockets=[self._listening])
        finally:
            self._bridge.stop()
            self._client.close()

    def end(self) -> None:
        """Let `serve` return."""
        self._server.should_exit = True


def start_bridge(options: Options) -> tuple[Running, Project, str]:
    """Listen, and make the project ready; returns it, and the address of the bridge.

    Raises InvalidInputError INVALID_ADDRESS, INVALID_URL or LABEL_STUDIO_TOKEN_MISSING,
    FailedPreconditionError ADDRESS_IN_USE or INTERFACE_UNSUITABLE, and what services that cannot be
    reached or refuse a token raise.
    """
    http = Http(options.url, options.token)
    client = Client(options.address)
    classes = client.get_pool(options.pool).classes
    project = find_project(http, options.pool, options.project)
    interface = ensure_interface(project, classes)
    listening, address = _listen(options.listen)
    base = options.public_url or f"http://{address}"
    keys = Keys(options.token, project.identity)
    images = Images(client, options.pool, base, keys)
    queue = Queue(client, options.pool, project, images, interface, options.size)
    bridge = Bridge(
        lambda: connect(project, base, keys), Recorder(client, options.pool, project), queue
    )
    app = App(client, options.pool, interface, bridge, images, keys).asgi()
    config = uvicorn.Config(
        app, lifespan="off", log_config=None, access_log=False, limit_concurrency=_CONNECTIONS
    )
    return Running(client, bridge, uvicorn.Server(config), listening), project, base


def _listen(address: str) -> tuple[socket.socket, str]:
    host, port = parse_address(address, "--listen")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=_CONNECTIONS)
    except OSError as error:
        raise FailedPreconditionError(
            f"cannot listen on {address}: {error.strerror}; stop what listens there, or choose "
            "another address with --listen",
            reason="ADDRESS_IN_USE",
        ) from error
    shown = f"[{host}]" if ":" in host else host
    return listening, f"{shown}:{listening.getsockname()[1]}"
