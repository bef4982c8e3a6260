"""A run on the screen until it has ended."""

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from poolscore.client import Client
from poolscore.errors import PoolscoreError
from poolscore.v1 import run_service_pb2 as run_pb
from services.commands.options import console, last_part


def follow(client: Client, run: run_pb.Run, waiting_for: str, doing: str) -> run_pb.Run:
    """Show a bar until the run has succeeded. Raises PoolscoreError when it has not."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(f"waiting for {waiting_for}", total=None)
        last = run
        for last in client.watch_run(run.name):
            progress = last.progress
            bar.update(
                task,
                description=progress.message or doing,
                total=progress.total or None,
                completed=progress.done,
            )
    if last.state == run_pb.RUN_STATE_FAILED:
        raise PoolscoreError(f"run {last_part(run.name)} failed: {last.error}")
    if last.state == run_pb.RUN_STATE_CANCELLED:
        raise PoolscoreError(f"run {last_part(run.name)} was cancelled")
    return last
