"""An image as the page shows it: bounded in pixels, in bytes and in what reading it costs."""

from threading import BoundedSemaphore

from PIL import Image

from pipelines.reading import read_bytes
from pipelines.sources.roots import SourceRoots
from poolscore.images.decode import DecodeLimits, decode
from poolscore.images.reject import Reject
from poolscore.images.thumbnail import jpeg

SIDE = 512
"""Pixels of the longer side at most."""
MOST_BYTES = 96 * 1024
"""Of the file that is sent."""

_STEPS = ((SIDE, 82), (SIDE, 60), (384, 50), (256, 40))
"""Sides and qualities, tried in turn. The last one is 64 KB for pure noise."""
_DECODED_AT_A_TIME = BoundedSemaphore(2)
"""A picture of the most pixels takes a quarter GiB while it is decoded."""


def thumbnail(uri: str, roots: SourceRoots) -> bytes | Reject:
    """A JPEG file of the upright image at an address, or why there is none."""
    refused = roots.refusal(uri)
    if refused is not None:
        return refused
    limits = DecodeLimits()
    data = read_bytes(uri, limits.max_bytes)
    if isinstance(data, Reject):
        return data
    with _DECODED_AT_A_TIME:
        found = decode(data, limits, SIDE)
        return found if isinstance(found, Reject) else _bounded(found.image)


def _bounded(picture: Image.Image) -> bytes:
    file = b""
    for side, quality in _STEPS:
        file = jpeg(picture, side, quality)
        if len(file) <= MOST_BYTES:
            break
    return file
