"""The progress bar of an embedding run."""

from collections.abc import Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.status import Status

from poolscore.store.records import RunProgress


class Bar:
    """Progress of a run as one line, once there is any; until then a note that goes away."""

    def __init__(self, progress: Progress, waiting: Status) -> None:
        """Draw on `progress`; see `run_bar`."""
        self._progress = progress
        self._waiting = waiting
        self._task: TaskID | None = None

    def show(self, now: RunProgress) -> None:
        """Draw this state; called from the thread that watches the run."""
        rejects = sum(now.rejects.values())
        self._progress.update(
            self._started(),
            total=now.total,
            completed=now.done,
            description=now.message,
            rate=f"{now.rate:,.0f} images/s" if now.rate else "",
            left=f"{duration(now.seconds_left)} left" if now.seconds_left > 0 else "",
            rejects=f"{rejects:,} rejected" if rejects else "",
        )

    def close(self) -> None:
        """Stop drawing."""
        self._waiting.stop()
        if self._task is not None:
            self._progress.stop()

    def _started(self) -> TaskID:
        if self._task is None:
            self._waiting.stop()
            self._task = self._progress.add_task("", total=None, rate="", left="", rejects="")
            self._progress.start()
        return self._task


@contextmanager
def run_bar(console: Console) -> Generator[Bar]:
    """Show a bar while the block runs; a run that never began leaves nothing on the screen."""
    columns = [
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        *(TextColumn(f"{{task.fields[{name}]}}") for name in ("rate", "left", "rejects")),
    ]
    with console.status("starting") as waiting:
        bar = Bar(Progress(*columns, console=console), waiting)
        try:
            yield bar
        finally:
            bar.close()


def duration(seconds: float) -> str:
    """Seconds as minutes:seconds, or hours:minutes:seconds."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
