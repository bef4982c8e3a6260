"""Images by a name that a person can read and type."""

from collections.abc import Sequence
from itertools import takewhile
from urllib.parse import unquote

from pipelines.addresses import ParquetCell, TarMember, parse_address


def file_names(uris: Sequence[str]) -> list[str]:
    """Return the part of each path that lies below the folder which all of them share."""
    paths = [_path(uri).split("/") for uri in uris]
    # The levels of all paths side by side: those before the first difference are shared.
    levels = zip(*(path[:-1] for path in paths), strict=False)
    shared = sum(1 for _ in takewhile(lambda level: len(set(level)) == 1, levels))
    return ["/".join(path[shared:]) for path in paths]


def _path(uri: str) -> str:
    match parse_address(uri):
        case TarMember(file=file, name=name):
            return f"{_path(file)}/{name}"
        case ParquetCell(file=file, row_group=group, row=row):
            return f"{_path(file)}/{group}/{row}"
        case None:
            pass
    scheme, found, rest = uri.partition("://")
    if not found:
        return uri
    return unquote(rest) if scheme == "file" else rest
