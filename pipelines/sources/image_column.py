"""Images in a binary column of a Parquet file, as dataset hubs keep them."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.addresses import ParquetCell
from pipelines.row_groups import MAX_GROUP_BYTES, column_bytes
from pipelines.sources.entry import Entry, default_id, stamp_of
from pipelines.sources.location import Location
from poolscore.errors import InvalidInputError

COLUMNS = ("image", "img", "bytes", "jpg", "jpeg", "png", "webp")
"""Columns that may hold image files, the first that does; or a struct with such a field `bytes`."""


def image_column(schema: pa.Schema) -> str | None:
    """The column with image files, with a dot where it is a field of a struct; None: no such."""
    for name in COLUMNS:
        if name not in schema.names:
            continue
        kind = schema.field(name).type
        if _is_binary(kind):
            return name
        field = kind.get_field_index("bytes") if pa.types.is_struct(kind) else -1
        if field >= 0 and _is_binary(kind.field(field).type):
            return f"{name}.bytes"
    return None


def image_entries(location: Location, parquet: pq.ParquetFile, column: str) -> Iterator[Entry]:
    """Every row, by the `id` column if there is one; their stamp is that of the file.

    Raises InvalidInputError SOURCE_GROUP_TOO_LARGE: a row group is what is read at a time.
    """
    uri = location.uri(location.path)
    stamp = stamp_of(location.filesystem.get_file_info(location.path))
    row = 0
    for group in range(parquet.num_row_groups):
        _check_size(location, parquet, group, column)
        for number, own in enumerate(_ids(parquet, group)):
            cell = ParquetCell(uri, column, group, number)
            yield Entry(own or default_id(f"{uri}#{row}"), cell.uri, stamp)
            row += 1


def _ids(parquet: pq.ParquetFile, group: int) -> list[str | None]:
    if "id" not in parquet.schema_arrow.names:
        return [None] * parquet.metadata.row_group(group).num_rows
    return parquet.read_row_group(group, columns=["id"])["id"].cast(pa.string()).to_pylist()


def _check_size(location: Location, parquet: pq.ParquetFile, group: int, column: str) -> None:
    size = column_bytes(parquet.metadata, group, column)
    if size > MAX_GROUP_BYTES:
        raise InvalidInputError(
            f"row group {group} of '{location.name}' has {size:,} bytes of images, more than the "
            f"{MAX_GROUP_BYTES:,} that are read at a time: write the file with a smaller "
            "row_group_size",
            reason="SOURCE_GROUP_TOO_LARGE",
            source=location.name,
        )


def _is_binary(kind: pa.DataType) -> bool:
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)
