"""Images in a binary column of a Parquet file, read a row group at a time."""

import threading
from collections import OrderedDict
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.addresses import ParquetCell
from pipelines.file_systems import open_file
from poolscore.store.arrow import compute as pc

MAX_GROUP_BYTES = 512 * 2**20
"""Bytes of a row group in memory; larger ones are refused when they are listed."""
_INDEX = 4
"""Bytes of an index into the different values."""
_HELD = 2
"""Row groups in memory: a batch may end in one and begin in the next."""

_lock = threading.Lock()
_held: OrderedDict[tuple[str, str, int, str | None], pa.ChunkedArray] = OrderedDict()


def read_cell(cell: ParquetCell, stamp: str | None) -> pa.Buffer | None:
    """Bytes of a cell, None where it is null; raises what pyarrow raises.

    Its row group stays in memory for the next cells. `stamp` is the version of the file that was
    listed: a row group that was read from an earlier one is not used.
    """
    group = _group(cell, stamp)
    if not 0 <= cell.row < len(group):
        raise IndexError(f"row group {cell.row_group} has {len(group):,} rows, no row {cell.row}")
    return group[cell.row].value.as_buffer()


def _group(cell: ParquetCell, stamp: str | None) -> pa.ChunkedArray:
    key = (cell.file, cell.column, cell.row_group, stamp)
    # Threads that decode one batch want the same row group at the same time.
    with _lock:
        if key not in _held:
            while len(_held) >= _HELD:
                _held.popitem(last=False)
            _held[key] = _read(cell)
        _held.move_to_end(key)
        return _held[key]


def _read(cell: ParquetCell) -> pa.ChunkedArray:
    with open_file(cell.file) as file:
        metadata = pq.read_metadata(file)
        size = column_bytes(metadata, cell.row_group, cell.column)
        if size > MAX_GROUP_BYTES:
            raise ValueError(f"{size:,} bytes in row group {cell.row_group}")
        # A value that many rows share is there once; in a plain column it would be there for each.
        parquet = pq.ParquetFile(file, metadata=metadata, read_dictionary=[cell.column])
        table = parquet.read_row_group(cell.row_group, columns=[cell.column])
    first, *rest = cell.column.split(".")
    return pc.struct_field(table[first], rest) if rest else table[first]


def column_bytes(metadata: Any, row_group: int, column: str) -> int:
    """Size in memory of a binary column in a row group, by the footer; each value counts once.

    Raises ValueError where there is no such column.
    """
    group = metadata.row_group(row_group)
    for number in range(group.num_columns):
        chunk = group.column(number)
        if chunk.path_in_schema == column and chunk.physical_type == "BYTE_ARRAY":
            return chunk.total_uncompressed_size + _INDEX * chunk.num_values
    raise ValueError(f"no binary column '{column}' in row group {row_group}")
