"""A list of images: paths or addresses in a .txt, .csv or .parquet file."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from pipelines.addresses import parse_address
from pipelines.file_systems import local_path
from pipelines.sources.credentials import without_credentials
from pipelines.sources.entry import Entry, default_id, local_stamp
from pipelines.sources.image_column import image_column, image_entries
from pipelines.sources.location import Location
from pipelines.sources.roots import ANYWHERE, SourceRoots
from poolscore.errors import InvalidInputError
from poolscore.images.reject import Reject, RejectReason
from poolscore.user_files import file_problem

SUFFIXES = (".csv", ".parquet", ".txt")
_ADDRESSES = ("path", "uri")


def list_entries(location: Location, roots: SourceRoots = ANYWHERE) -> Iterator[Entry]:
    """Entries in the order of the list, or the images themselves if a Parquet file holds them.

    Files of this machine are looked at for their stamps, objects are not; what is outside of
    `roots` is refused and not looked at.
    Raises InvalidInputError SOURCE_UNREADABLE, SOURCE_COLUMN_MISSING, SOURCE_GROUP_TOO_LARGE.
    """
    try:
        with location.filesystem.open_input_file(location.path) as file:
            if location.suffix != ".parquet":
                table = _text(file) if location.suffix == ".txt" else _csv(file)
                yield from _entries(location, table, roots)
                return
            parquet = pq.ParquetFile(file)
            column = image_column(parquet.schema_arrow)
            if column is not None:
                yield from image_entries(location, parquet, column)
            else:
                names = [*_ADDRESSES, "id"]
                present = [name for name in names if name in parquet.schema_arrow.names]
                _check_columns(location, parquet.schema_arrow.names)
                yield from _entries(location, parquet.read(columns=present), roots)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(
            f"list '{location.name}' {file_problem(error)}; give a .csv with a header, a .parquet "
            "file, or a .txt file with one path a line",
            reason="SOURCE_UNREADABLE",
            source=location.name,
        ) from error


def _csv(file: pa.NativeFile) -> pa.Table:
    # Ids such as 007 must stay text.
    text = dict.fromkeys((*_ADDRESSES, "id"), pa.string())
    return pa_csv.read_csv(file, convert_options=pa_csv.ConvertOptions(column_types=text))


def _text(file: pa.NativeFile) -> pa.Table:
    lines = file.read().decode("utf-8-sig").splitlines()
    return pa.table({"path": pa.array([line for line in lines if line.strip()], pa.string())})


def _entries(location: Location, table: pa.Table, roots: SourceRoots) -> Iterator[Entry]:
    _check_columns(location, table.column_names)
    column = next(name for name in _ADDRESSES if name in table.column_names)
    for batch in table.to_batches(max_chunksize=1 << 16):
        addresses = _strings(batch[column])
        given = _strings(batch["id"]) if "id" in table.column_names else [None] * len(batch)
        for own, address in zip(given, addresses, strict=True):
            yield _entry(location, own, address or "", roots)


def _entry(location: Location, own: str | None, address: str, roots: SourceRoots) -> Entry:
    try:
        uri = location.entry_uri(address)
    except InvalidInputError as error:
        uri = without_credentials(address)
        refused = Reject(RejectReason.UNREADABLE, error.message)
        return Entry(own or default_id(uri), uri, None, refused)
    beyond = roots.refusal(uri)
    return Entry(own or default_id(uri), uri, None if beyond else _stamp(uri), beyond)


def _check_columns(location: Location, names: list[str]) -> None:
    if not set(_ADDRESSES) & set(names):
        raise InvalidInputError(
            f"list '{location.name}' needs a column 'path' or 'uri', or one with images; it has "
            f"{', '.join(names)}",
            reason="SOURCE_COLUMN_MISSING",
            source=location.name,
        )


def _strings(column: pa.Array) -> list[str | None]:
    return column.cast(pa.string()).to_pylist()


def _stamp(uri: str) -> str | None:
    path = local_path(uri) if parse_address(uri) is None else None
    return None if path is None else local_stamp(path)
