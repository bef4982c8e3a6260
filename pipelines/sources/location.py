"""A file or folder that a source names, on this machine or in an object store."""

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pyarrow import fs

from pipelines.addresses import parse_address, quoted
from pipelines.file_systems import OBJECT_STORES, file_system, local_path
from poolscore.errors import InvalidInputError


@dataclass(frozen=True)
class Location:
    """Where something lies, and the addresses of what lies there or below."""

    name: str
    """As runs and snapshots name the source; absolute."""
    filesystem: fs.FileSystem
    path: str
    """In the file system."""
    scheme: str = "file"
    query: str = ""

    @property
    def local(self) -> bool:
        """Whether it is a place of this machine."""
        return self.scheme == "file"

    @property
    def suffix(self) -> str:
        """Ending of its name, in small letters."""
        return os.path.splitext(self.path)[1].lower()  # noqa: PTH122 not a path of this machine

    def uri(self, path: str) -> str:
        """Address of a file of the same file system."""
        if self.local:
            return Path(path).as_uri()
        return f"{self.scheme}://{quoted(path)}{self.query and '?'}{self.query}"

    def entry_uri(self, address: str) -> str:
        """Address of an entry of the list that lies here; relative paths count from its folder.

        One file has one address, however dotted or quoted the entry is.
        """
        scheme, found, _ = address.partition("://")
        if found and scheme.isalnum():
            return _canonical(address) if scheme in OBJECT_STORES else address
        folder = os.path.dirname(self.path)  # noqa: PTH120 not a path of this machine
        return self.uri(os.path.normpath(f"{folder}/{address}" if address[:1] != "/" else address))


def locate(source: str) -> Location:
    """Location that a source names; nothing is looked at.

    Raises InvalidInputError SOURCE_UNSUPPORTED, SOURCE_HAS_CREDENTIALS.
    """
    scheme = urlsplit(source).scheme if "://" in source else "file"
    if scheme == "file":
        path = local_path(source) if "://" in source else Path(source).expanduser()
        name = str(path and path.resolve())
        return Location(name, fs.LocalFileSystem(), name)
    if scheme not in OBJECT_STORES:
        raise InvalidInputError(
            f"source '{source}' is at '{scheme}://', which cannot be listed: name a local path, or "
            f"an address of {' or '.join(f'{each}://' for each in OBJECT_STORES)}",
            reason="SOURCE_UNSUPPORTED",
            source=source,
        )
    parts = urlsplit(source)
    if "@" in parts.netloc:
        raise InvalidInputError(
            f"a source at {scheme}://...@{parts.hostname} carries credentials, which would be kept "
            "with every image: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY instead",
            reason="SOURCE_HAS_CREDENTIALS",
        )
    filesystem, path = file_system(source)
    return Location(source.rstrip("/"), filesystem, path, scheme, parts.query)


def _canonical(uri: str) -> str:
    """Address of an object, quoted as `Location.uri` does."""
    if parse_address(uri) is not None:
        return uri
    scheme, _, rest = uri.partition("://")
    rest, question, query = rest.partition("?")
    return f"{scheme}://{quoted(unquote(rest))}{question}{query}"
