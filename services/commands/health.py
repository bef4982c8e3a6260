"""`poolscore health`: whether a service answers SERVING, for containers and scripts."""

from typing import Annotated

import typer

from poolscore.config import Settings
from services.commands.options import Address, console
from services.readiness import wait_until_serving


def health(
    address: Address = None,
    timeout: Annotated[float, typer.Option(min=0, help="Seconds to go on asking.")] = 5.0,
) -> None:
    """Ask `grpc.health.v1` until the service says SERVING; exit code 1 when it does not.

    No token is needed.
    """
    wait_until_serving(address or Settings().address, timeout_s=timeout)
    console.print("SERVING")
