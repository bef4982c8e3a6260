"""Every command of the `poolscore` that users have."""

from collections.abc import Iterator

from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from poolscore.cli.main import application


def commands() -> dict[str, set[str]]:
    """Options by the words of the command, as in `labels list`."""
    return dict(_below(get_command(application()), ()))


def _below(command: object, path: tuple[str, ...]) -> Iterator[tuple[str, set[str]]]:
    if isinstance(command, TyperGroup):
        for name, child in command.commands.items():
            yield from _below(child, (*path, name))
    elif isinstance(command, TyperCommand):
        yield " ".join(path), {option for each in command.params for option in each.opts}
