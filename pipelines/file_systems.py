"""File systems behind addresses; object stores are connected to once in a process."""

import os
import re
import stat
from functools import lru_cache
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

import pyarrow as pa
from pyarrow import fs

OBJECT_STORES = ("s3", "gs")
"""Schemes of addresses `scheme://bucket/key`. Credentials, region and endpoint come from the usual
variables (`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL`, `GOOGLE_APPLICATION_CREDENTIALS`, ...)."""
ANONYMOUS = "anonymous@"
"""Stands before the name of a public bucket of Google Cloud Storage."""
_LOCAL = re.compile(r"file:(?://[^/?]*)?([^?]*)", re.IGNORECASE)


def local_path(uri: str) -> Path | None:
    """Path of a `file://` URI, None for every other scheme."""
    found = _LOCAL.match(uri)
    return found and Path(unquote(found[1], errors="surrogateescape"))


def split_address(uri: str) -> SplitResult:
    """Parts of the address of a whole file, in whose name a '#' is a character like others."""
    return urlsplit(uri, allow_fragments=False)


def file_system(uri: str) -> tuple[fs.FileSystem, str]:
    """File system of an address and the path in it; raises what pyarrow raises."""
    parts = split_address(uri)
    if parts.scheme not in OBJECT_STORES:
        return fs.FileSystem.from_uri(uri)
    return _connected(parts.scheme, parts.netloc, parts.query), object_path(parts)


def object_path(parts: SplitResult) -> str:
    """Bucket and key of an address."""
    return unquote(f"{parts.netloc.removeprefix(ANONYMOUS)}{parts.path}").rstrip("/")


def open_file(uri: str) -> pa.NativeFile:
    """Open a file for reads at any place; raises OSError for what is not a regular file."""
    path = local_path(uri)
    if path is not None:
        # Opening a FIFO or a device would block for ever.
        if not stat.S_ISREG(path.stat().st_mode):
            raise OSError(f"not a regular file: {path}")
        return fs.LocalFileSystem().open_input_file(os.fsencode(path))
    filesystem, name = file_system(uri)
    return filesystem.open_input_file(name)


@lru_cache(maxsize=16)
def _connected(scheme: str, bucket: str, query: str) -> fs.FileSystem:
    # Every file system has connections of its own; one an image would shake hands for each.
    return fs.FileSystem.from_uri(f"{scheme}://{bucket}/?{query}".rstrip("?"))[0]
