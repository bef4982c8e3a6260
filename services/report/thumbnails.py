"""Small pictures inside the page."""

import base64
from collections.abc import Iterable, Iterator

from pipelines.reading import read_in_order
from poolscore.images.decode import decode
from poolscore.images.reject import Reject
from poolscore.images.thumbnail import jpeg

SIDE = 160
"""Pixels of the longer side at most."""
_MAX_BYTES = 64 * 2**20


def thumbnails(uris: Iterable[str]) -> Iterator[str | None]:
    """JPEG `data:` addresses of the upright pictures; None where there is no picture to show.

    A report is written after the work is done: a file that has gone since, never was an image, or
    lies where this machine cannot read costs it one tile.
    """
    for data in read_in_order(((uri, None) for uri in uris), _MAX_BYTES):
        yield None if isinstance(data, Reject) else _thumbnail(data)


def _thumbnail(data: bytes) -> str | None:
    found = decode(data, side=2 * SIDE)
    if isinstance(found, Reject):
        return None
    return "data:image/jpeg;base64," + base64.b64encode(jpeg(found.image, SIDE, 80)).decode("ascii")
