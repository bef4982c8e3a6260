"""The `poolscore` command: the library's own commands and those of installed layers.

Layers above the library (`pipelines`, `services`) contribute commands through the entry-point group
`poolscore.commands`, so that the library never imports them.
"""

import sys
from importlib.metadata import entry_points

import typer
from rich.console import Console

from poolscore import __version__
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


def main() -> None:
    """Run the command line; a user's error becomes one line and exit code 1."""
    for entry_point in sorted(entry_points(group="poolscore.commands"), key=lambda e: e.name):
        entry_point.load()(app)
    try:
        app()
    except PoolscoreError as error:
        Console(stderr=True).print(f"error: {error.message}", style="red", markup=False)
        sys.exit(1)
