"""Small pictures inside the page."""

import base64
from pathlib import Path

from poolscore.images.decode import decode
from poolscore.images.reject import Reject
from poolscore.images.thumbnail import jpeg

SIDE = 160
"""Pixels of the longer side at most."""
_MAX_BYTES = 64 * 2**20


def thumbnail(path: Path) -> str | None:
    """A JPEG `data:` address of the upright picture; None where there is no picture to show.

    A report is written after the work is done: a file that has gone since, or never was an image,
    costs it one tile.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            return None
        found = decode(path.read_bytes(), side=2 * SIDE)
    except (OSError, ValueError):
        return None
    if isinstance(found, Reject):
        return None
    return "data:image/jpeg;base64," + base64.b64encode(jpeg(found.image, SIDE, 80)).decode("ascii")
