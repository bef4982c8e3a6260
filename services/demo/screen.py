"""What the demo shows while it runs: stages with their seconds, then a table that grows."""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from pipelines.bar import run_bar
from poolscore.store.records import RunProgress
from poolscore.v1 import run_service_pb2 as run_pb
from services.report.data import CurvePoint

_COLUMNS = ("round", "labels", "accuracy", "random", "AUROC p_clean", "AUROC max-prob", "seconds")


class Screen:
    """Works on a terminal and, line by line, in a log."""

    def __init__(self, console: Console) -> None:
        """Draw on `console`."""
        self.console = console
        self._rows: list[Sequence[str]] = []
        self._live: Live | None = None

    def say(self, text: str, style: str = "") -> None:
        """Print a line."""
        self.console.print(text, style=style, highlight=False, soft_wrap=True)

    def done(self, stage: str, what: str, seconds: float) -> None:
        """Print a stage that has ended."""
        self.console.print(
            f"[green]✓[/green] {stage:<12} {what} [dim]({seconds:.1f} s)[/dim]",
            highlight=False,
            soft_wrap=True,
        )

    @contextmanager
    def counting(self, what: str) -> Generator[Callable[[int, int], None]]:
        """Show how many of how many are done."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=self.console, transient=True) as progress:
            task = progress.add_task(what, total=None)
            yield lambda done, total: progress.update(task, completed=done, total=total)

    @contextmanager
    def embedding(self) -> Generator[Callable[[run_pb.Run], None]]:
        """Show an embedding run: rate, time left, rejects."""
        with run_bar(self.console) as bar:
            yield lambda run: bar.show(_record(run.progress))

    @contextmanager
    def table(self) -> Generator[None]:
        """Show the table of rounds while the block runs."""
        if not self.console.is_terminal:
            self.say("".join(f"{name:>16}" for name in _COLUMNS))
            yield
            return
        with Live(self._table(), console=self.console, refresh_per_second=8) as self._live:
            yield

    def working(self, text: str) -> None:
        """Show what goes on below the table."""
        if self._live:
            self._live.update(self._table(text))

    def round(self, number: int, point: CurvePoint, seconds: float) -> None:
        """Add a row."""
        row = (
            "zero-shot" if number == 0 else str(number),
            str(point.labels),
            f"{point.accuracy:.1%}",
            f"{point.accuracy_random:.1%}",
            f"{point.auroc_p_clean:.3f}",
            f"{point.auroc_max_prob:.3f}",
            f"{seconds:.1f}",
        )
        self._rows.append(row)
        if self._live:
            self._live.update(self._table())
        else:
            self.say("".join(f"{value:>16}" for value in row))

    def _table(self, caption: str = "") -> Table:
        table = Table(caption=caption, caption_justify="left")
        for name in _COLUMNS:
            table.add_column(name, justify="right")
        for row in self._rows:
            table.add_row(*row)
        return table


def _record(progress: run_pb.RunProgress) -> RunProgress:
    return RunProgress(
        total=progress.total,
        done=progress.done,
        resumed=progress.resumed,
        rejects=dict(progress.rejects),
        rate=progress.rate,
        seconds_left=progress.seconds_left,
        message=progress.message or "waiting for the worker",
    )
