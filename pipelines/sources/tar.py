"""Images in a tar, as WebDataset keeps them; each can be read with one range read."""

import io
import tarfile
from collections.abc import Iterator
from contextlib import closing
from typing import Any, Self, cast

from pipelines.addresses import TarMember, quoted
from pipelines.file_systems import local_path, open_file
from pipelines.sources.entry import Entry, default_id, is_image
from poolscore.images.reject import Reject, RejectReason

READ_AHEAD = 4 * 2**20
"""Bytes of one request to an object store while the headers are read; they stand between images
which are mostly smaller, and a request a header would take longer than reading past the images."""

_MOST_HEADER = 2**20
"""Bytes of a long name or of further attributes of a member; they are read at once."""
_BROKEN = (
    tarfile.TarError,
    OSError,
    EOFError,
    # What numbers that nobody meant come to.
    ValueError,
    OverflowError,
    MemoryError,
    RecursionError,
)


def tar_entries(uri: str, stamp: str) -> Iterator[Entry]:
    """Members with an image suffix, in the order of the file; their stamp is that of the tar.

    A tar that cannot be read to its end is refused as one more input, after what could be read.
    """
    try:
        with closing(_open(uri)) as file:
            for member in _members(file):
                if member.isreg() and is_image(member.name):
                    place = TarMember(uri, member.offset_data, member.size, member.name)
                    yield Entry(default_id(f"{uri}#{quoted(member.name)}"), place.uri, stamp)
    except _BROKEN as error:
        detail = f"the tar is broken, and what follows in it is not listed: {error}"
        yield Entry(default_id(uri), uri, stamp, Reject(RejectReason.UNREADABLE, detail[:500]))


def _open(uri: str) -> io.BufferedIOBase:
    path = local_path(uri)
    if path is not None:
        return path.open("rb")
    return io.BufferedReader(cast("Any", open_file(uri)), READ_AHEAD)


def _members(file: io.BufferedIOBase) -> Iterator[tarfile.TarInfo]:
    with tarfile.open(fileobj=file, mode="r:", tarinfo=_Header) as archive:
        before = 0
        while (member := archive.next()) is not None:
            if member.size < 0 or archive.offset <= before:
                raise tarfile.ReadError(f"the size of '{member.name}' is {member.size:,}")
            before = archive.offset
            cast("Any", archive).members.clear()  # it would keep them all
            yield member
        # The module takes a broken header for the end, which is empty or a block of zeros.
        file.seek(archive.offset)
        if any(file.read(tarfile.BLOCKSIZE)):
            raise tarfile.ReadError(f"no header at byte {archive.offset:,}")


class _Header(tarfile.TarInfo):
    """A header whose size is checked before as many bytes are read."""

    _EXTENDED = (
        tarfile.XHDTYPE,
        tarfile.XGLTYPE,
        tarfile.SOLARIS_XHDTYPE,
        tarfile.GNUTYPE_LONGNAME,
        tarfile.GNUTYPE_LONGLINK,
    )

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        header = super().frombuf(buf, encoding, errors)
        if header.type in cls._EXTENDED and not 0 <= header.size <= _MOST_HEADER:
            raise tarfile.ReadError(f"an extended header of {header.size:,} bytes")
        return header
