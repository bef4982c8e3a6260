"""`poolscore label-studio`: annotate a pool in Label Studio, in the order of its ranking."""

import os
import signal
from typing import Annotated

import typer

from services.commands.options import Address, Pool, console


def label_studio(
    name: Pool,
    url: Annotated[
        str,
        typer.Option(envvar="LABEL_STUDIO_URL", help="Of the Label Studio server."),
    ] = "http://localhost:8080",
    project: Annotated[
        int | None,
        typer.Option(
            min=1, help="Number of a project; default: 'poolscore NAME', made if missing."
        ),
    ] = None,
    size: Annotated[
        int, typer.Option(min=1, max=1000, help="Images of a batch; half of one is always ready.")
    ] = 20,
    listen: Annotated[
        str, typer.Option(help="host:port to listen on; port 0 takes a free one.")
    ] = "127.0.0.1:9004",
    public_url: Annotated[
        str,
        typer.Option(help="Where browsers and Label Studio reach that; default: at that address."),
    ] = "",
    address: Address = None,
) -> None:
    """Keep a project of Label Studio filled and record its annotations, until Ctrl-C or SIGTERM.

    Its token comes from the variable LABEL_STUDIO_API_KEY.
    """
    from poolscore.config import Settings
    from poolscore.logs import configure_logs  # structlog: not for other commands
    from services.label_studio.server import Options, start_bridge

    configure_logs(Settings().logs)
    token = os.environ.get("LABEL_STUDIO_API_KEY", "")
    options = Options(name, url, token, project, size, listen, public_url, address)
    running, found, base = start_bridge(options)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: running.end())
    for line in (
        f"project  {found.url}",
        f"bridge   {base}",
        "\nCtrl-C stops it; the next start goes on where it was.",
    ):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    running.serve()
    console.print("stopped; tasks, annotations and answers are kept")
