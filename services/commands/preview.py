"""`poolscore preview`: what another strategy would lease now."""

from typing import Annotated

import typer

from poolscore.cli.json_lines import AsJson, print_json
from poolscore.client import Client
from services.commands.lease import say, table
from services.commands.options import Address, Classes, Pool, last_part


def preview(
    name: Pool,
    strategy: Annotated[str, typer.Option(help="Default: the pool's own.")] = "",
    size: Annotated[int, typer.Option(min=1, max=1000, help="How many images.")] = 8,
    classes: Classes = None,
    as_json: AsJson = False,
    address: Address = None,
) -> None:
    """Show the batch that a strategy would give now; nothing is leased."""
    with Client(address) as client:
        shown = client.preview(name, size, strategy=strategy, classes=classes or ())
    if as_json:
        print_json(shown)
        return
    say(
        f"{len(shown.items):,} images by strategy {shown.strategy}, prompt version "
        f"{last_part(shown.prompt_version)}, snapshot {last_part(shown.snapshot)}"
    )
    if shown.items:
        for line in table(shown.items):
            say(line)
    again = f"poolscore rescore {name} --strategy {shown.strategy}"
    say(f"To lease it: {again}, then poolscore lease {name} --strategy {shown.strategy}")
