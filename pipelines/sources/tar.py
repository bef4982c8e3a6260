"""Images in a tar, as WebDataset keeps them; each can be read with one range read."""

import io
import tarfile
from collections.abc import Iterator
from contextlib import closing
from typing import Any, cast

from pipelines.addresses import TarMember, quoted
from pipelines.file_systems import local_path, open_file
from pipelines.sources.entry import Entry, default_id, is_image
from poolscore.images.reject import Reject, RejectReason

READ_AHEAD = 4 * 2**20
"""Bytes of one request to an object store while the headers are read; they stand between images
which are mostly smaller, and a request a header would take longer than reading past the images."""


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
    except (tarfile.TarError, OSError, EOFError) as error:
        detail = f"the tar is broken, and what follows in it is not listed: {error}"
        yield Entry(default_id(uri), uri, stamp, Reject(RejectReason.UNREADABLE, detail[:500]))


def _open(uri: str) -> io.BufferedIOBase:
    path = local_path(uri)
    if path is not None:
        return path.open("rb")
    return io.BufferedReader(cast("Any", open_file(uri)), READ_AHEAD)


def _members(file: io.BufferedIOBase) -> Iterator[tarfile.TarInfo]:
    with tarfile.open(fileobj=file, mode="r:") as archive:
        while (member := archive.next()) is not None:
            cast("Any", archive).members.clear()  # it would keep them all
            yield member
        # The module takes a broken header for the end, which is empty or a block of zeros.
        file.seek(archive.offset)
        if any(file.read(tarfile.BLOCKSIZE)):
            raise tarfile.ReadError(f"no header at byte {archive.offset:,}")
