"""Two catalogs, compared row by row."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, select

from poolscore.store.records import RunState
from poolscore.store.tables import metadata, runs

SIGNS_OF_LIFE = ("heartbeat_time", "progress", "sequence")
"""Columns that change all the time while a run is done, and are not in the audit trail."""

_ROWS = 1000
_Row = tuple[tuple[Any, ...], dict[str, Any]]


class Difference(NamedTuple):
    """A row that is not the same in both."""

    table: str
    key: tuple[Any, ...]
    columns: tuple[str, ...]
    """Those that differ; none when only one catalog has the row."""
    here: bool
    """Whether the first catalog has the row."""


def compare_catalogs(one: Connection, other: Connection) -> Iterator[Difference]:
    """Where two catalogs differ, whatever their databases; rows are read as they are needed.

    Signs of life of a run that is being done do not count.
    """
    for table in metadata.sorted_tables:
        yield from _compare(table, _rows(one, table), _rows(other, table))


def _rows(connection: Connection, table: Table) -> Iterator[_Row]:
    key = [column.name for column in table.primary_key]
    query = select(table).order_by(*table.primary_key).execution_options(yield_per=_ROWS)
    for row in connection.execute(query).mappings():
        yield tuple(row[name] for name in key), _lasting(table, dict(row))


def _lasting(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    if table is runs and row["state"] == RunState.RUNNING:
        return {name: value for name, value in row.items() if name not in SIGNS_OF_LIFE}
    return row


def _compare(table: Table, ours: Iterator[_Row], theirs: Iterator[_Row]) -> Iterator[Difference]:
    one, other = next(ours, None), next(theirs, None)
    while one is not None or other is not None:
        if other is None or (one is not None and one[0] < other[0]):
            assert one is not None
            yield Difference(table.name, one[0], (), here=True)
            one = next(ours, None)
        elif one is None or other[0] < one[0]:
            yield Difference(table.name, other[0], (), here=False)
            other = next(theirs, None)
        else:
            changed = tuple(name for name in one[1] if one[1][name] != other[1].get(name))
            if changed:
                yield Difference(table.name, one[0], changed, here=True)
            one, other = next(ours, None), next(theirs, None)
