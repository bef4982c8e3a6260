"""`poolscore exporter`: show the metrics of pools to Prometheus, without the service."""

import signal
import threading
from typing import Annotated

import typer

from poolscore.config import Settings
from services.commands.options import console


def exporter(
    address: Annotated[
        str | None,
        typer.Option(
            help="host:port to listen on; port 0 takes a free one. Default: "
            "POOLSCORE_METRICS_ADDRESS or 127.0.0.1:9001."
        ),
    ] = None,
) -> None:
    """Show what the catalog says of every pool, until Ctrl-C or SIGTERM.

    `poolscore serve` does so too; this is for a catalog whose service runs elsewhere.
    """
    from poolscore.logs import configure_logs  # structlog and SQLAlchemy: not for other commands
    from services.exporter.server import start_exporter

    settings = Settings() if address is None else Settings(metrics_address=address)
    configure_logs(settings.logs)
    running = start_exporter(settings)
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    console.print(f"metrics  {running.url}", highlight=False, markup=False, soft_wrap=True)
    stopped.wait()
    running.stop()
