"""The web server of the review page, in threads of this process."""

import socket
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import uvicorn

from poolscore.address import is_loopback, parse_address
from poolscore.config import Settings
from poolscore.errors import FailedPreconditionError
from services.review.app import create_app

SETTING = "POOLSCORE_REVIEW_ADDRESS"
_IN_FLIGHT = 256
_STOPPING_S = 3


@dataclass
class ReviewServer:
    """A running review page."""

    url: str
    _server: uvicorn.Server
    _thread: Thread

    def stop(self) -> None:
        """Answer no more."""
        self._server.should_exit = True
        self._thread.join()


def start_review(
    settings: Settings, certificate: Path | None = None, key: Path | None = None
) -> ReviewServer:
    """Answer at `settings.review_address`, with TLS where there is a certificate.

    Raises InvalidInputError INVALID_ADDRESS, TLS_FILE_INVALID or SETTING_INVALID,
    FailedPreconditionError ADDRESS_IN_USE.
    """
    host, port = parse_address(settings.review_address, SETTING)
    app = create_app(settings, local_only=is_loopback(host))
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        limit_concurrency=_IN_FLIGHT,
        timeout_graceful_shutdown=_STOPPING_S,
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )
    listening = _listen(settings.review_address, host, port)
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, kwargs={"sockets": [listening]}, name="review", daemon=True)
    thread.start()
    shown = f"[{host}]" if ":" in host else host
    scheme = "https" if certificate else "http"
    return ReviewServer(f"{scheme}://{shown}:{listening.getsockname()[1]}/", server, thread)


def _listen(address: str, host: str, port: int) -> socket.socket:
    """Listen before the server's thread is there: whoever has the URL can connect."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise FailedPreconditionError(
            f"cannot show the review page at {address}: {error.strerror}; stop what listens there, "
            f"or choose another address with {SETTING}",
            reason="ADDRESS_IN_USE",
        ) from error
