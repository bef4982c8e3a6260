"""`poolscore serve`: start the service and keep it up."""

import signal
import threading
from typing import Annotated

import typer

from poolscore.config import Settings
from services.commands.options import console


def serve(
    address: Annotated[
        str | None, typer.Option(help="host:port to listen on; port 0 takes a free one.")
    ] = None,
) -> None:
    """Start Ray, the gRPC API and the workers on this machine, until Ctrl-C or SIGTERM."""
    from services.serve import start_service  # Ray: the client commands do without it

    settings = Settings() if address is None else Settings(address=address)
    with console.status("starting Ray, the gRPC API and the workers ..."):
        service = start_service(settings)
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    _announce(service.address, settings)
    stopped.wait()
    with console.status("stopping ..."):
        service.stop()
    console.print("stopped; pools, runs and answers are kept")


def _announce(address: str, settings: Settings) -> None:
    console.print(f"[green]SERVING[/green] on {address} (gRPC, reflection, grpc.health.v1)")
    console.print(f"catalog  {settings.catalog_url}", highlight=False, soft_wrap=True)
    console.print(f"files    {settings.store_uri}", highlight=False, soft_wrap=True)
    console.print("workers  poolscore-embedder, poolscore-trainer")
    if address != Settings().address:
        console.print(f"\nIn other terminals first: export POOLSCORE_ADDRESS={address}")
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
