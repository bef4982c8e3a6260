"""The `poolscore` command: the library's own commands and those of installed layers.

Layers above the library (`pipelines`, `services`) contribute commands through the entry-point group
`poolscore.commands`, so that the library never imports them.
"""

import sys
from functools import cache
from importlib.metadata import entry_points

import typer
from rich.console import Console

from poolscore import __version__
from poolscore.cli.exit_codes import FAILED, INTERRUPTED
from poolscore.errors import PoolscoreError

app = typer.Typer(
    name="poolscore",
    help="Choose the unlabeled images that teach a CLIP model a new task with the fewest labels.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"poolscore {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_show_version, is_eager=True, help="Show the version."
    ),
) -> None:
    del version


@cache
def application() -> typer.Typer:
    """Return the command line with the commands of all layers."""
    for entry_point in sorted(entry_points(group="poolscore.commands"), key=lambda e: e.name):
        entry_point.load()(app)
    return app


def main() -> None:
    """Run the command line and exit.

    0: done. 1: it failed, with one line that says what, where and what to do, or what was checked
    is broken. 2: the command line itself is wrong. 130: stopped by Ctrl-C.
    """
    try:
        application()()
    except PoolscoreError as error:
        Console(stderr=True).print(f"error: {error.message}", style="red", markup=False)
        sys.exit(FAILED)
    except KeyboardInterrupt:  # while commands are imported; else Typer does the same
        sys.exit(INTERRUPTED)
