"""Bytes behind an address, or a typed reject. Never raises."""

import stat
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from pipelines.addresses import ParquetCell, TarMember, parse_address
from pipelines.file_systems import local_path, open_file
from pipelines.row_groups import read_cell
from poolscore.images.reject import Reject, RejectReason

READ_AHEAD = 16
"""Images of an object store that are fetched at a time, while earlier ones are decoded."""


def read_in_order(
    addresses: Iterable[tuple[str, str | None]], max_bytes: int
) -> Iterator[bytes | Reject]:
    """Read images by address and stamp; see `read_bytes`. Remote ones are waited for together."""
    with ThreadPoolExecutor(READ_AHEAD) as pool:
        ahead: deque[Callable[[], bytes | Reject]] = deque()
        for uri, stamp in addresses:
            if uri.startswith("file:"):  # a disk answers before a thread does
                ahead.append(partial(read_bytes, uri, max_bytes, stamp))
            else:
                ahead.append(pool.submit(read_bytes, uri, max_bytes, stamp).result)
            if len(ahead) == READ_AHEAD:
                yield ahead.popleft()()
        while ahead:
            yield ahead.popleft()()


def read_bytes(uri: str, max_bytes: int, stamp: str | None = None) -> bytes | Reject:
    """Read the image at an address unless it is larger than `max_bytes`.

    `stamp` is the version of the file that was listed, see `read_cell`.
    """
    try:
        match parse_address(uri):
            case TarMember() as member:
                return _read_member(member, max_bytes)
            case ParquetCell() as cell:
                return _read_cell(cell, max_bytes, stamp)
            case None:
                path = local_path(uri)
                return (
                    _read_remote(uri, max_bytes) if path is None else _read_local(path, max_bytes)
                )
    except Exception as error:  # network file systems raise what they like
        return Reject(RejectReason.UNREADABLE, f"{type(error).__name__}: {error}"[:500])


def _read_local(path: Path, max_bytes: int) -> bytes | Reject:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        return Reject(RejectReason.UNREADABLE, f"not a regular file: {path}")
    if status.st_size > max_bytes:
        return _too_large(status.st_size, max_bytes)
    return path.read_bytes()


def _read_remote(uri: str, max_bytes: int) -> bytes | Reject:
    with open_file(uri) as file:
        size = file.size()
        return _too_large(size, max_bytes) if size > max_bytes else file.read_at(size, 0)


def _read_member(member: TarMember, max_bytes: int) -> bytes | Reject:
    if member.size > max_bytes:
        return _too_large(member.size, max_bytes)
    with open_file(member.file) as file:
        data = file.read_at(member.size, member.offset)
    if len(data) < member.size:
        detail = f"the tar ends {member.size - len(data):,} bytes before its member does"
        return Reject(RejectReason.UNREADABLE, detail)
    return data


def _read_cell(cell: ParquetCell, max_bytes: int, stamp: str | None) -> bytes | Reject:
    data = read_cell(cell, stamp)
    if data is None:
        return b""
    return _too_large(data.size, max_bytes) if data.size > max_bytes else data.to_pybytes()


def _too_large(size: int, max_bytes: int) -> Reject:
    return Reject(RejectReason.TOO_LARGE_BYTES, f"{size:,} bytes, limit {max_bytes:,}")
