"""Where images come from: a folder, or a CSV or Parquet list of paths.

A source becomes a table of ids and URIs. The id is what exactly-once rests on, so it depends on
nothing but the address: the same file has the same id in every run.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from poolscore.errors import InvalidInputError
from poolscore.images.decode import IMAGE_SUFFIXES
from poolscore.images.reject import Reject, RejectReason
from poolscore.user_files import file_problem

SOURCE_SCHEMA = pa.schema([("id", pa.string()), ("uri", pa.string())])


@dataclass(frozen=True)
class SourceReject:
    """An input that is refused before anything is read."""

    id: str
    uri: str
    reject: Reject


@dataclass(frozen=True)
class Listing:
    """What a source holds, in a fixed order."""

    inputs: pa.Table
    """Columns id and uri (`SOURCE_SCHEMA`); all ids are different."""
    rejects: Sequence[SourceReject]
    """One for every repeated id; its own id is made unique with a suffix."""


def default_id(uri: str) -> str:
    """128-bit hash of an absolute URI, 32 hexadecimal digits."""
    return blake2b(uri.encode(), digest_size=16).hexdigest()


def list_source(source: str) -> Listing:
    """List the images of `source`; raises InvalidInputError when there is nothing to embed."""
    path = check_source(source)
    if path.is_dir():
        return _unique((default_id(uri), uri) for uri in _folder(path))
    return _unique(_rows(path))


def check_source(source: str) -> Path:
    """Return the path of a source that can be listed; InvalidInputError when it is none."""
    path = Path(source).expanduser()
    if not path.exists():
        raise InvalidInputError(
            f"source '{source}' does not exist: give a folder with images or a .csv or .parquet "
            "list with a 'path' column",
            reason="SOURCE_NOT_FOUND",
            source=source,
        )
    if not path.is_dir() and path.suffix.lower() not in (".csv", ".parquet"):
        raise InvalidInputError(
            f"source '{source}' is neither a folder nor a .csv or .parquet list",
            reason="SOURCE_UNSUPPORTED",
            source=source,
        )
    return path


def _folder(folder: Path) -> Iterator[str]:
    """URIs of all files with an image suffix, by path; links to folders are followed once."""
    found: list[str] = []
    seen: set[str] = set()
    for place, folders, files in os.walk(folder.resolve(), followlinks=True):
        real = os.path.realpath(place)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        found += [f"{place}/{name}" for name in files if _is_image(name)]
    if not found:
        raise InvalidInputError(
            f"no images in '{folder}': looked for {', '.join(sorted(IMAGE_SUFFIXES))} in it and "
            "in all folders below",
            reason="SOURCE_EMPTY",
            source=str(folder),
        )
    yield from (Path(path).as_uri() for path in sorted(found))


def _is_image(name: str) -> bool:
    return Path(name).suffix.lower() in IMAGE_SUFFIXES


def _rows(path: Path) -> Iterator[tuple[str, str]]:
    table = _read_list(path)
    column = next((name for name in ("path", "uri") if name in table.column_names), None)
    if column is None:
        raise InvalidInputError(
            f"list '{path}' needs a column 'path' or 'uri'; it has {', '.join(table.column_names)}",
            reason="SOURCE_COLUMN_MISSING",
            source=str(path),
        )
    addresses = _strings(table[column])
    if not addresses:
        raise InvalidInputError(
            f"list '{path}' has no rows", reason="SOURCE_EMPTY", source=str(path)
        )
    base = path.resolve().parent
    uris = [absolute_uri(address or "", base) for address in addresses]
    given = _strings(table["id"]) if "id" in table.column_names else [None] * len(uris)
    for own, uri in zip(given, uris, strict=True):
        yield own or default_id(uri), uri


def _read_list(path: Path) -> pa.Table:
    try:
        if path.suffix.lower() == ".parquet":
            return pq.read_table(path)
        # Ids such as 007 must stay text.
        text = dict.fromkeys(("path", "uri", "id"), pa.string())
        return pa_csv.read_csv(path, convert_options=pa_csv.ConvertOptions(column_types=text))
    except (pa.ArrowException, OSError) as error:
        raise InvalidInputError(
            f"list '{path}' {file_problem(error)}; give a .csv with a header or a .parquet file",
            reason="SOURCE_UNREADABLE",
            source=str(path),
        ) from error


def _strings(column: pa.ChunkedArray) -> list[str | None]:
    return column.cast(pa.string()).to_pylist()


def absolute_uri(address: str, base: Path) -> str:
    """URI of an entry of a list; a relative path counts from `base`."""
    # One letter before the colon is a drive, not a scheme.
    if len(urlsplit(address).scheme) > 1 and "://" in address:
        return address
    return Path(os.path.normpath(base / address)).as_uri()


def _unique(rows: Iterator[tuple[str, str]]) -> Listing:
    first: dict[str, str] = {}
    repeated: list[tuple[str, str]] = []
    for item, uri in rows:
        if item in first:
            repeated.append((item, uri))
        else:
            first[item] = uri
    inputs = pa.table([list(first), list(first.values())], schema=SOURCE_SCHEMA)
    return Listing(inputs, _duplicates(first, repeated))


def _duplicates(first: dict[str, str], repeated: list[tuple[str, str]]) -> list[SourceReject]:
    taken = set(first)
    seen: dict[str, int] = {}
    rejects: list[SourceReject] = []
    for item, uri in repeated:
        seen[item] = seen.get(item, 1) + 1
        while (own := f"{item}~{seen[item]}") in taken:
            seen[item] += 1
        taken.add(own)
        detail = f"id {item} belongs to {first[item]}"
        rejects.append(SourceReject(own, uri, Reject(RejectReason.DUPLICATE_ID, detail)))
    return rejects
