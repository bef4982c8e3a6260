"""Shards: Parquet files with one row an input, embedded or rejected.

Shapes: N rows, D embedding width. An embedding is 2*D bytes, float16 in little-endian order, in a
`fixed_size_binary` column: a reader gets an (N, D) array without copying or decoding.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from poolscore.errors import FailedPreconditionError, NotFoundError
from poolscore.images.perceptual_hash import BYTES as HASH_BYTES
from poolscore.store.arrow import compute as pc

Float16 = npt.NDArray[np.float16]

WRITE_OPTIONS: Mapping[str, Any] = {
    # Embeddings are noise to a compressor and to a dictionary; plain pages read without decoding.
    "compression": "none",
    "use_dictionary": ["source", "stamp", "reject_reason"],
    "write_statistics": False,
    "store_schema": True,
}
"""Keyword arguments for every writer of shards, `pyarrow.parquet` or Ray Data."""


def shard_schema(dim: int, encoder_digest: str) -> pa.Schema:
    """Schema of a shard. Columns of the half that does not apply to a row are null."""
    metadata = {"dim": str(dim), "dtype": "float16", "normalized": "true"}
    return pa.schema(
        [
            pa.field("id", pa.string(), nullable=False),
            pa.field("uri", pa.string(), nullable=False),
            # Which source of its run listed it, and which version of the file that was.
            pa.field("source", pa.string()),
            pa.field("stamp", pa.string()),
            pa.field("content_hash", pa.string()),
            pa.field("width", pa.int32()),
            pa.field("height", pa.int32()),
            pa.field("perceptual_hash", pa.binary(HASH_BYTES)),
            pa.field("embedding", pa.binary(2 * dim)),
            pa.field("predicted", pa.int32()),
            pa.field("probability", pa.float32()),
            pa.field("margin", pa.float32()),
            pa.field("entropy", pa.float32()),
            pa.field("p_clean", pa.float32()),
            pa.field("reject_reason", pa.string()),
            pa.field("reject_detail", pa.string()),
        ],
        metadata={**metadata, "encoder": encoder_digest},
    )


def embeddings_to_arrow(
    embeddings_ND: Float16, valid_N: npt.NDArray[np.bool_] | None = None
) -> pa.FixedSizeBinaryArray:
    """Column of (N, D) float16 embeddings, without copying; rows that are not valid are null."""
    contiguous = np.ascontiguousarray(embeddings_ND, dtype="<f2")
    rows, dim = contiguous.shape
    mask = None if valid_N is None else pa.py_buffer(np.packbits(valid_N, bitorder="little"))
    return pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(2 * dim), rows, [mask, pa.py_buffer(contiguous)]
    )


def embeddings_from_arrow(column: pa.ChunkedArray | pa.Array) -> Float16:
    """(N, D) float16 array of a column without nulls; one chunk is not copied."""
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    dim = column.type.byte_width // 2
    arrays = [_view(chunk, dim) for chunk in chunks if len(chunk)]
    if not arrays:
        return np.empty((0, dim), np.float16)
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


@dataclass(frozen=True)
class ShardData:
    """The embedded rows of one shard; row i of every field is the same image."""

    ids: pa.Array
    """Item ids, an Arrow string array."""
    uris: pa.Array
    embeddings_ND: Float16
    """L2-normalised; read-only, and a view of the file's buffer when nothing was rejected."""
    columns: pa.Table
    """The further columns that were asked for."""

    def __len__(self) -> int:
        """Number of images."""
        return len(self.ids)


def read_shard(filesystem: fs.FileSystem, path: str, columns: Sequence[str] = ()) -> ShardData:
    """Read the embedded rows of a shard, with further columns on request.

    Raises NotFoundError SHARD_NOT_FOUND, FailedPreconditionError SHARD_CORRUPT.
    """
    table = read_table(filesystem, path, ["id", "uri", "embedding", *columns])
    embeddings = table.column("embedding")
    if not pa.types.is_fixed_size_binary(embeddings.type):
        raise _corrupt(path, f"its embedding column is {embeddings.type}")
    if embeddings.null_count:
        table = table.filter(pc.is_valid(embeddings))
        embeddings = table.column("embedding")
    return ShardData(
        ids=_one_chunk(table.column("id")),
        uris=_one_chunk(table.column("uri")),
        embeddings_ND=embeddings_from_arrow(embeddings),
        columns=table.select(list(columns)),
    )


def read_names(filesystem: fs.FileSystem, path: str) -> tuple[pa.Array, pa.Array]:
    """Ids and addresses of the rows that `read_shard` returns, without the embeddings."""
    table = read_table(filesystem, path, ["id", "uri", "reject_reason"])
    embedded = table.filter(pc.is_null(table.column("reject_reason")))
    return _one_chunk(embedded.column("id")), _one_chunk(embedded.column("uri"))


def read_hashes(filesystem: fs.FileSystem, path: str) -> pa.Array:
    """Perceptual hashes of the rows that `read_shard` returns; null in shards older than those."""
    columns = ["reject_reason", "perceptual_hash"]
    table = read_table(filesystem, path, columns, optional=("perceptual_hash",))
    embedded = table.filter(pc.is_null(table.column("reject_reason")))
    if "perceptual_hash" not in embedded.column_names:
        return pa.nulls(embedded.num_rows, pa.binary(HASH_BYTES))
    return _one_chunk(embedded.column("perceptual_hash"))


def read_table(
    filesystem: fs.FileSystem, path: str, columns: Sequence[str], optional: Sequence[str] = ()
) -> pa.Table:
    """Columns of all rows of a shard, rejects included; errors as `read_shard`.

    Those that are `optional` may be missing.
    """
    try:
        with filesystem.open_input_file(path) as file:
            shard = pq.ParquetFile(file)
            there = set(shard.schema_arrow.names)
            missing = set(columns) - there - set(optional)
            if missing:
                raise _corrupt(path, f"it has no columns {', '.join(sorted(missing))}")
            # In one thread: callers read many shards side by side.
            return shard.read(columns=[c for c in columns if c in there], use_threads=False)
    except FileNotFoundError as error:
        raise NotFoundError(
            f"shard '{path}' is missing from the file store", reason="SHARD_NOT_FOUND"
        ) from error
    except (pa.ArrowException, OSError) as error:
        raise _corrupt(path, str(error)) from error


def _corrupt(path: str, why: str) -> FailedPreconditionError:
    return FailedPreconditionError(
        f"shard '{path}' cannot be read: {why}; restore the file or embed the source again",
        reason="SHARD_CORRUPT",
    )


def _view(chunk: pa.FixedSizeBinaryArray, dim: int) -> Float16:
    values = chunk.buffers()[1]
    view = np.frombuffer(values, "<f2", count=len(chunk) * dim, offset=chunk.offset * 2 * dim)
    return view.reshape(len(chunk), dim)


def _one_chunk(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
