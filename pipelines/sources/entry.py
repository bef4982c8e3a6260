"""What a listing says of one image."""

import os
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from pyarrow import fs

from poolscore.images.decode import IMAGE_SUFFIXES
from poolscore.images.reject import Reject

ABSENT = "absent"
"""Stamp of an address at which there was nothing."""


class Entry(NamedTuple):
    """An image, or what cannot be listed and is refused unread."""

    id: str
    uri: str
    stamp: str | None
    """Changes with the file that holds the image; None where nobody looked."""
    refused: Reject | None = None


def default_id(uri: str) -> str:
    """128-bit hash of an absolute URI, 32 hexadecimal digits."""
    return blake2b(uri.encode(), digest_size=16).hexdigest()


def is_image(name: str) -> bool:
    """Whether a file name ends as those of images do."""
    return os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES  # noqa: PTH122 once an image


def local_stamp(path: Path) -> str:
    """Stamp of a file of this machine, links followed."""
    try:
        status = path.stat()
    except (OSError, ValueError):  # a NUL in the name
        return ABSENT
    return f"{status.st_size}-{status.st_mtime_ns}"


def stamp_of(info: fs.FileInfo) -> str:
    """Stamp of a file of any file system; the same as `local_stamp` gives."""
    return f"{info.size}-{info.mtime_ns}"
