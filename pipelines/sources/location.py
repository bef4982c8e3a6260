"""A file or folder that a source names, on this machine or in an object store."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa
from pyarrow import fs

from pipelines.addresses import parse_address, quoted
from pipelines.file_systems import (
    ANONYMOUS,
    OBJECT_STORES,
    file_system,
    local_path,
    split_address,
)
from pipelines.sources.credentials import refuse_credentials
from pipelines.sources.roots import ANYWHERE, SourceRoots
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
    user: str = ""
    """`ANONYMOUS` where a public bucket is read without an account."""

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
        return f"{self.scheme}://{self.user}{quoted(path)}{self.query and '?'}{self.query}"

    def entry_uri(self, address: str) -> str:
        """Address of an entry of the list that lies here; relative paths count from its folder.

        One file has one address, however dotted or quoted the entry is. Raises InvalidInputError
        SOURCE_HAS_CREDENTIALS.
        """
        refuse_credentials(address)
        scheme, found, _ = address.partition("://")
        if found and scheme.isalnum():
            return _canonical(address)
        folder = os.path.dirname(self.path)  # noqa: PTH120 not a path of this machine
        return self.uri(os.path.normpath(f"{folder}/{address}" if address[:1] != "/" else address))


def locate(source: str, roots: SourceRoots = ANYWHERE) -> Location:
    """Location that a source names; nothing is looked at.

    Raises InvalidInputError SOURCE_UNSUPPORTED, SOURCE_UNREADABLE, SOURCE_HAS_CREDENTIALS;
    PermissionDeniedError SOURCE_NOT_ALLOWED.
    """
    refuse_credentials(source)
    roots.check(source)
    with looking_at(source):
        return _locate(source)


@contextmanager
def looking_at(source: str) -> Generator[None]:
    """Turn what file systems raise for a source in the block into an InvalidInputError."""
    try:
        yield
    # Also a server that gives no region, an address that is none, and a home that nobody has.
    except (OSError, pa.ArrowException, ValueError, RuntimeError) as error:
        what = (
            "address, and credentials, region and endpoint in the AWS_... variables"
            if "://" in source
            else "path"
        )
        raise InvalidInputError(
            f"source '{source}' cannot be looked at: {error}; check the {what}",
            reason="SOURCE_UNREADABLE",
            source=source,
        ) from error


def _locate(source: str) -> Location:
    parts = split_address(source) if "://" in source else None
    if parts is None or parts.scheme == "file":
        path = Path(source).expanduser() if parts is None else local_path(source)
        name = str(path and path.resolve())
        return Location(name, fs.LocalFileSystem(), name)
    scheme = parts.scheme
    if scheme not in OBJECT_STORES:
        raise InvalidInputError(
            f"source '{source}' is at '{scheme}://', which cannot be listed: name a local path, or "
            f"an address of {' or '.join(f'{each}://' for each in OBJECT_STORES)}",
            reason="SOURCE_UNSUPPORTED",
            source=source,
        )
    filesystem, path = file_system(source)
    user = ANONYMOUS if parts.netloc.startswith(ANONYMOUS) else ""
    return Location(source.rstrip("/"), filesystem, path, scheme, parts.query, user)


def _canonical(uri: str) -> str:
    """Address of a file, quoted as `Location.uri` does."""
    if parse_address(uri) is not None:
        return uri
    path = local_path(uri)
    if path is not None:
        return Path(os.path.normpath(path)).as_uri() if path.is_absolute() else uri
    scheme, _, rest = uri.partition("://")
    if scheme not in OBJECT_STORES:
        return uri
    user = ANONYMOUS if rest.startswith(ANONYMOUS) else ""
    rest, question, query = rest.removeprefix(user).partition("?")
    return f"{scheme}://{user}{quoted(unquote(rest))}{question}{query}"
