"""`poolscore review`: label images in a browser."""

import signal
import ssl
import threading
from pathlib import Path
from typing import Annotated

import typer

from poolscore.address import is_loopback, parse_address
from poolscore.config import Settings
from poolscore.tls import key_beside, load_certificate
from services.commands.options import console


def review(
    address: Annotated[
        str | None,
        typer.Option(
            help="host:port to listen on; port 0 takes a free one. Default: "
            "POOLSCORE_REVIEW_ADDRESS or 127.0.0.1:9003."
        ),
    ] = None,
    certificate: Annotated[
        Path | None,
        typer.Option(
            help="PEM file of certificate, chain and key, or review.crt by review.key: https."
        ),
    ] = None,
) -> None:
    """Show a page to label images on, until Ctrl-C or SIGTERM.

    It works with the service at POOLSCORE_ADDRESS and with the token of whoever opens it.
    """
    from poolscore.logs import configure_logs  # structlog and Starlette: not for other commands
    from services.review.server import start_review

    settings = Settings() if address is None else Settings(review_address=address)
    configure_logs(settings.logs)
    key = None if certificate is None else key_beside(certificate)
    if certificate is not None:
        load_certificate(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), certificate, key)
    running = start_review(settings, certificate, key)
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    said = f"review page  {running.url}\nservice      {settings.address}"
    console.print(said, highlight=False, markup=False, soft_wrap=True)
    if certificate is None and not is_loopback(parse_address(settings.review_address)[0]):
        console.print(
            "tokens travel to this page unencrypted: give --certificate, or keep it behind what "
            "speaks TLS",
            style="yellow",
        )
    stopped.wait()
    running.stop()
