"""A study as CSV: one row a cell and round."""

import csv
import io
import math

from poolscore.evaluation.aggregate import auroc_of, cell_order
from poolscore.evaluation.records import Cell, CellKey, Round, Signals, Study

_KEY = tuple(CellKey.model_fields)
_ROUND = tuple(name for name in Round.model_fields if name != "auroc")
_SIGNALS = tuple(Signals.model_fields)
COLUMNS = (*_KEY, "pool", "classes", *_ROUND, *(f"auroc_{name}" for name in _SIGNALS))


def study_csv(study: Study) -> str:
    """Return the rows by cell and round under a header of COLUMNS; LF ends a line.

    Numbers have six decimals at most; what does not exist is empty.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for cell in sorted(study.cells, key=cell_order):
        writer.writerows(_row(cell, entry) for entry in cell.rounds)
    return text.getvalue()


def _row(cell: Cell, entry: Round) -> list[str]:
    values = [getattr(cell.key, name) for name in _KEY]
    values += [cell.pool, cell.classes]
    values += [getattr(entry, name) for name in _ROUND]
    values += [auroc_of(name)(entry) for name in _SIGNALS]
    return [_plain(value) for value in values]


def _plain(value: str | int | float) -> str:
    if not isinstance(value, float):
        return str(value)
    return "" if math.isnan(value) else f"{value:.6f}".rstrip("0").rstrip(".")
