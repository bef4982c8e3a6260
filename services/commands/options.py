"""Options and formats that the client commands share."""

from typing import Annotated

import typer
from rich.console import Console

from poolscore.cli.complete import served_pools

Pool = Annotated[str, typer.Argument(metavar="NAME", help="The pool.", autocompletion=served_pools)]
Address = Annotated[
    str | None,
    typer.Option(
        help="host:port of the service, https:// before it for TLS; default: POOLSCORE_ADDRESS or "
        "127.0.0.1:9000."
    ),
]

Strategy = Annotated[
    str, typer.Option(help="By this strategy; default: the pool's active ranking.")
]
Classes = Annotated[
    list[str] | None,
    typer.Option("--class", help="Only images predicted to be this class; give it repeatedly."),
]

console = Console()


def last_part(name: str) -> str:
    """Return the id at the end of a resource name."""
    return name.rpartition("/")[2]


def item_id(name: str) -> str:
    """Return the item id of `pools/{pool}/items/{item}`; it may hold slashes."""
    return name.split("/", 3)[-1]


def child(pool: str, collection: str, value: str) -> str:
    """Accept an id or a full resource name; return the resource name."""
    return value if value.startswith("pools/") else f"pools/{pool}/{collection}/{value}"
