"""Addresses of images that are parts of a file: `{uri of the file}#{where in it}`.

A member of a tar: `s3://bucket/a.tar#offset=1536&size=20480&name=cats/1.jpg`.
A cell of a Parquet file: `file:///a.parquet#column=image.bytes&row_group=0&row=12`.
Everything else is the address of a whole file.
"""

from dataclasses import dataclass
from urllib.parse import parse_qs, quote

_MEMBER = {"offset", "size", "name"}
_CELL = {"column", "row_group", "row"}


@dataclass(frozen=True)
class TarMember:
    """A range of bytes of a file."""

    file: str
    """URI of the tar."""
    offset: int
    size: int
    name: str
    """Path in the tar."""

    @property
    def uri(self) -> str:
        """The address."""
        return f"{self.file}#offset={self.offset}&size={self.size}&name={quoted(self.name)}"


@dataclass(frozen=True)
class ParquetCell:
    """One value of a binary column."""

    file: str
    """URI of the Parquet file."""
    column: str
    """A dot leads into a struct."""
    row_group: int
    row: int
    """In its row group."""

    @property
    def uri(self) -> str:
        """The address."""
        column = quoted(self.column)
        return f"{self.file}#column={column}&row_group={self.row_group}&row={self.row}"


def parse_address(uri: str) -> TarMember | ParquetCell | None:
    """The part of a file that `uri` names; None for a whole file."""
    file, hash_sign, fragment = uri.partition("#")
    if not hash_sign:
        return None
    found = {key: values[0] for key, values in parse_qs(fragment, errors="surrogateescape").items()}
    try:
        if found.keys() == _MEMBER:
            offset, size = int(found["offset"]), int(found["size"])
            return TarMember(file, offset, size, found["name"])
        if found.keys() == _CELL:
            group, row = int(found["row_group"]), int(found["row"])
            return ParquetCell(file, found["column"], group, row)
    except ValueError:
        pass
    return None


def quoted(name: str) -> str:
    """A path as it stands in an address, slashes kept; bytes that are no UTF-8 survive."""
    return quote(name, errors="surrogateescape")
