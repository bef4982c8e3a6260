"""`poolscore serve`: start the service and keep it up."""

import shlex
import signal
import threading
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from poolscore.address import is_loopback, parse_address
from poolscore.config import Settings
from poolscore.store.catalog_url import display_url
from services.commands.options import console


def serve(
    address: Annotated[
        str | None, typer.Option(help="host:port to listen on; port 0 takes a free one.")
    ] = None,
) -> None:
    """Start Ray, the gRPC API and the workers on this machine, until Ctrl-C or SIGTERM."""
    from pipelines.cluster import metrics_page  # Ray: the client commands do without it
    from poolscore.logs import configure_logs
    from services.exporter.server import start_exporter
    from services.serve import start_service

    settings = Settings() if address is None else Settings(address=address)
    configure_logs(settings.logs)
    # Before Ray, which takes seconds: its address may be taken.
    exporter = start_exporter(settings) if settings.metrics_address else None
    with console.status("starting Ray, the gRPC API and the workers ..."):
        service = start_service(settings)
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    pages = [metrics_page(), exporter.url if exporter else ""]
    _announce(service.address, settings, " and ".join(page for page in pages if page))
    stopped.wait()
    with console.status("stopping ..."):
        if exporter:
            exporter.stop()
        service.stop()
    console.print("stopped; pools, runs and answers are kept")


def _announce(address: str, settings: Settings, metrics: str) -> None:
    catalog = display_url(settings.catalog_url)
    console.print(f"[green]SERVING[/green] on {escape(address)} (gRPC, reflection, grpc.health.v1)")
    console.print(
        f"catalog  {catalog}\n"
        f"files    {settings.store_uri}\n"
        "workers  poolscore-embedder, poolscore-trainer\n"
        f"metrics  {metrics}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    exports = environment(address, settings)
    if exports:
        console.print("\nIn other terminals first:")
    for line in exports:
        console.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)
    console.print(
        "\nNext, in another terminal:\n"
        "  poolscore pool create flowers --classes rose,tulip,daisy\n"
        "  poolscore embed flowers PHOTOS\n"
        "  poolscore lease flowers --size 8 --out batch.csv\n"
        "  poolscore label flowers --batch 1 --file batch.csv\n"
        "  poolscore prompts train flowers\n"
        "\nCtrl-C stops the service.",
        markup=False,
        highlight=False,
    )


def environment(address: str, settings: Settings) -> list[str]:
    """Return the commands that lead another shell to this service, its catalog and its store.

    Only what differs from the defaults: another shell need not have this one's variables. `pool`
    and `embed` open catalog and store themselves. The last one makes a token where callers need it.
    """
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    wanted = {
        "home": settings.home.expanduser().absolute(),
        "catalog": settings.catalog and display_url(settings.catalog),
        "store": settings.store if "://" in settings.store else _absolute(settings.store),
        "address": address,
    }
    host, _ = parse_address(settings.address)
    asks = settings.asks_for_tokens(is_loopback(host))
    return [
        f"export POOLSCORE_{name.upper()}={shlex.quote(str(value))}"
        for name, value in wanted.items()
        if value != defaults[name]
    ] + ["export POOLSCORE_TOKEN=$(poolscore token create me --role operator)"] * asks


def _absolute(path: str) -> str:
    return str(Path(path).expanduser().absolute()) if path else ""
