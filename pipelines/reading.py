"""Bytes behind an address, or a typed reject. Never raises."""

import os
import stat
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pyarrow import fs

from poolscore.images.reject import Reject, RejectReason


def local_path(uri: str) -> Path | None:
    """Path of a `file://` URI, None for every other scheme."""
    parts = urlsplit(uri)
    if parts.scheme != "file":
        return None
    return Path(os.fsdecode(unquote(parts.path, errors="surrogateescape")))


def read_bytes(uri: str, max_bytes: int) -> bytes | Reject:
    """Read the whole file unless it is larger than `max_bytes`."""
    try:
        path = local_path(uri)
        return _read_remote(uri, max_bytes) if path is None else _read_local(path, max_bytes)
    except Exception as error:  # network file systems raise what they like
        return Reject(RejectReason.UNREADABLE, f"{type(error).__name__}: {error}"[:500])


def _read_local(path: Path, max_bytes: int) -> bytes | Reject:
    # Opening a FIFO or a device would block for ever.
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        return Reject(RejectReason.UNREADABLE, f"not a regular file: {path}")
    if status.st_size > max_bytes:
        return _too_large(status.st_size, max_bytes)
    return path.read_bytes()


def _read_remote(uri: str, max_bytes: int) -> bytes | Reject:
    filesystem, path = fs.FileSystem.from_uri(uri)
    info = filesystem.get_file_info(path)
    if info.type != fs.FileType.File:
        return Reject(RejectReason.UNREADABLE, f"no such file: {uri}")
    if info.size > max_bytes:
        return _too_large(info.size, max_bytes)
    with filesystem.open_input_stream(path) as stream:
        return stream.read()


def _too_large(size: int, max_bytes: int) -> Reject:
    return Reject(RejectReason.TOO_LARGE_BYTES, f"{size:,} bytes, limit {max_bytes:,}")
