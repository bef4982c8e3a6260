"""The progress bar of an embedding run."""

from collections.abc import Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from poolscore.store.records import RunProgress


class Bar:
    """Progress of a run as one line."""

    def __init__(self, progress: Progress) -> None:
        """Draw on `progress`; see `run_bar`."""
        self._progress = progress
        self._task = progress.add_task("starting", total=None, rate="", left="", rejects="")

    def show(self, now: RunProgress) -> None:
        """Draw this state; called from the thread that watches the run."""
        rejects = sum(now.rejects.values())
        self._progress.update(
            self._task,
            total=now.total,
            completed=now.done,
            description=now.message,
            rate=f"{now.rate:,.0f} images/s" if now.rate else "",
            left=f"{duration(now.seconds_left)} left" if now.seconds_left > 0 else "",
            rejects=f"{rejects:,} rejected" if rejects else "",
        )

    def close(self) -> None:
        """Stop drawing."""
        self._progress.stop()


@contextmanager
def run_bar(console: Console) -> Generator[Bar]:
    """Show a bar while the block runs."""
    columns = [
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        *(TextColumn(f"{{task.fields[{name}]}}") for name in ("rate", "left", "rejects")),
    ]
    with Progress(*columns, console=console) as progress:
        yield Bar(progress)


def duration(seconds: float) -> str:
    """Seconds as minutes:seconds, or hours:minutes:seconds."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
