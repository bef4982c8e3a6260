"""Graph files: a neighbour graph as Parquet, named by content, read by column.

Shapes: N images, K neighbours. A row takes 8 K bytes, and 12 and its id beside them: 10 million
images with 20 neighbours are 2 GB.
"""

from collections.abc import Sequence
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from poolscore.errors import FailedPreconditionError, NotFoundError
from poolscore.neighbours.graph import Graph
from poolscore.neighbours.lists import Int32, Neighbours
from poolscore.store import files

_ROWS_PER_GROUP = 1 << 17
# Everything that could change the bytes is pinned. Plain pages are read without decoding.
_WRITE_OPTIONS: dict[str, Any] = {
    "version": "2.6",
    "data_page_version": "1.0",
    "compression": "none",
    "use_dictionary": False,
    "write_statistics": False,
    "write_page_checksum": True,
    "store_schema": True,
}


def write_graph(filesystem: fs.FileSystem, folder: str, graph: Graph) -> tuple[str, str]:
    """Write a graph as `{folder}/{sha256}.parquet`; returns the path and the sha256.

    The same graph gives the same bytes; another release of pyarrow may give others. Atomic.
    """

    def write(sink: BinaryIO) -> None:
        with pq.ParquetWriter(sink, _schema(graph.neighbours.width), **_WRITE_OPTIONS) as writer:
            for start in range(0, len(graph), _ROWS_PER_GROUP):
                writer.write_table(_table(graph, start, start + _ROWS_PER_GROUP))

    return files.write_by_content(filesystem, folder, ".parquet", write)


def read_graph(filesystem: fs.FileSystem, path: str) -> Graph:
    """Read a whole graph. Raises NotFoundError FILE_NOT_FOUND, FailedPreconditionError
    GRAPH_CORRUPT."""
    names = ["id", "fingerprint", "rows", "similarity", "group"]
    table = _read(filesystem, path, names)
    return Graph(
        table["id"].combine_chunks(),
        table["fingerprint"].to_numpy(),
        Neighbours(_lists(table["rows"], np.int32), _lists(table["similarity"], np.float32)),
        table["group"].to_numpy(),
    )


def read_groups(filesystem: fs.FileSystem, path: str) -> tuple[pa.Array, Int32]:
    """Ids and groups of all images, without the neighbours; raises as `read_graph`."""
    table = _read(filesystem, path, ["id", "group"])
    return table["id"].combine_chunks(), table["group"].to_numpy()


def read_neighbours(filesystem: fs.FileSystem, path: str) -> tuple[pa.Array, Neighbours]:
    """Ids and neighbours of all images; raises as `read_graph`."""
    table = _read(filesystem, path, ["id", "rows", "similarity"])
    lists = Neighbours(_lists(table["rows"], np.int32), _lists(table["similarity"], np.float32))
    return table["id"].combine_chunks(), lists


def read_list(
    filesystem: fs.FileSystem, path: str, row: int
) -> tuple[Int32, npt.NDArray[np.float32]]:
    """Neighbours of the image in one row, (K,) each: their rows, nearest first, and similarities.

    Reads a part of the file, at most 2 * 4 K * 131,072 bytes; raises as `read_graph`.
    """
    group, place = divmod(row, _ROWS_PER_GROUP)
    table = _read(filesystem, path, ["rows", "similarity"], group).slice(place, 1)
    return _lists(table["rows"], np.int32)[0], _lists(table["similarity"], np.float32)[0]


def _schema(k: int) -> pa.Schema:
    return pa.schema(
        [
            pa.field("id", pa.string(), nullable=False),
            pa.field("fingerprint", pa.uint64(), nullable=False),
            pa.field("rows", pa.binary(4 * k), nullable=False),
            pa.field("similarity", pa.binary(4 * k), nullable=False),
            pa.field("group", pa.int32(), nullable=False),
        ],
        metadata={"format": "1", "k": str(k), "rows": "int32", "similarity": "float32"},
    )


def _table(graph: Graph, start: int, stop: int) -> pa.Table:
    neighbours = graph.neighbours
    columns = [
        graph.ids.slice(start, stop - start),
        pa.array(graph.fingerprint_N[start:stop]),
        _column(neighbours.rows_NK[start:stop], "<i4"),
        _column(neighbours.similarity_NK[start:stop], "<f4"),
        pa.array(graph.group_N[start:stop]),
    ]
    return pa.table(columns, schema=_schema(neighbours.width))


def _column(values_NK: npt.NDArray[Any], dtype: str) -> pa.FixedSizeBinaryArray:
    rows, k = values_NK.shape
    data = pa.py_buffer(np.ascontiguousarray(values_NK, dtype))
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(4 * k), rows, [None, data])


def _lists(column: pa.ChunkedArray, dtype: type[np.generic]) -> npt.NDArray[Any]:
    k = column.type.byte_width // 4
    parts = [
        np.frombuffer(each.buffers()[1], dtype, len(each) * k, each.offset * 4 * k)
        for each in column.chunks
    ]
    return np.concatenate([np.empty(0, dtype), *parts]).reshape(-1, k)


def _read(
    filesystem: fs.FileSystem, path: str, columns: Sequence[str], group: int | None = None
) -> pa.Table:
    """Columns of all row groups, or of one."""
    try:
        with filesystem.open_input_file(path) as file:
            content = pq.ParquetFile(file, page_checksum_verification=True)
            if group is None:
                return content.read(list(columns))
            return content.read_row_group(group, list(columns))
    except FileNotFoundError as error:
        raise NotFoundError(
            f"the neighbour graph '{path}' is missing from the file store; make it again with "
            "'poolscore neighbours POOL'",
            reason="FILE_NOT_FOUND",
        ) from error
    except (pa.ArrowException, OSError) as error:
        raise FailedPreconditionError(
            f"the neighbour graph '{path}' cannot be read: {error}; delete it and make it again "
            "with 'poolscore neighbours POOL'",
            reason="GRAPH_CORRUPT",
        ) from error
