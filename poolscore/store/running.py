"""How far the runs are that workers have now."""

from typing import NamedTuple

from sqlalchemy import Connection, select

from poolscore.store.records import RunKind, RunState
from poolscore.store.tables import runs


class Running(NamedTuple):
    """The running runs of one pool and kind, added up."""

    total: int = 0
    """Images of embedding, searches of neighbours, steps of training; 0 where nothing is counted.
    """
    done: int = 0
    sequence: int = 0
    """Grows with every change that a watcher of them sees."""


def read_running(connection: Connection) -> dict[str, dict[RunKind, Running]]:
    """By pool and kind, those that have any."""
    columns = runs.c.pool_id, runs.c.kind, runs.c.progress, runs.c.sequence
    found: dict[str, dict[RunKind, Running]] = {}
    query = select(*columns).where(runs.c.state == RunState.RUNNING)
    for pool_id, kind, progress, sequence in connection.execute(query):
        of_pool = found.setdefault(pool_id, {})
        before = of_pool.get(RunKind(kind), Running())
        of_pool[RunKind(kind)] = Running(
            before.total + progress.get("total", 0),
            before.done + progress.get("done", 0),
            before.sequence + sequence,
        )
    return found
