"""The images of leased batches, for the browsers of annotators.

Label Studio need not reach them itself: they may lie on a disk, in an object store or in a tar.
"""

import io
from functools import lru_cache
from threading import BoundedSemaphore
from urllib.parse import quote, urlencode

from PIL import Image

from pipelines.reading import read_bytes
from poolscore.client import Client
from poolscore.errors import NotFoundError
from poolscore.images.decode import DecodeLimits, decode
from poolscore.images.reject import Reject
from services.commands.options import item_id, last_part
from services.label_studio.keys import Keys

_SHOWN_AS_THEY_ARE = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
_LIMITS = DecodeLimits()
_DECODED_AT_A_TIME = BoundedSemaphore(2)
"""A picture of the most pixels takes a quarter GiB while it is decoded."""


class Images:
    """Makes addresses of images and answers them."""

    def __init__(self, client: Client, pool: str, base: str, keys: Keys) -> None:
        """`base` is the address of the bridge for browsers."""
        self._client, self._pool, self._base, self._keys = client, pool, base.rstrip("/"), keys
        self._uris = lru_cache(maxsize=64)(self._read_uris)

    def address(self, batch: str, item: str) -> str:
        """Of an item of a batch, both as resource names; it holds the right to read the image."""
        number, name = last_part(batch), item_id(item)
        query = urlencode({"key": self._keys.image(number, name)})
        return f"{self._base}/images/{number}/{quote(name)}?{query}"

    def read(self, batch: str, item: str, signature: str) -> tuple[bytes, str]:
        """The bytes and media type of an image whose address this has made.

        Raises NotFoundError for any other address, and where the image cannot be read.
        """
        uri = ""
        if self._keys.admits_image(batch, item, signature):
            uri = self._uris(batch).get(item, "")
        data = read_bytes(uri, _LIMITS.max_bytes) if uri else b""
        if isinstance(data, Reject) or not data:
            raise NotFoundError("there is no such image", reason="IMAGE_NOT_FOUND")
        return for_a_browser(data)

    def _read_uris(self, batch: str) -> dict[str, str]:
        found = self._client.get_batch(f"pools/{self._pool}/batches/{batch}")
        return {item_id(item.name): item.uri for item in found.items}


def for_a_browser(data: bytes) -> tuple[bytes, str]:
    """An image file and its media type, as PNG where browsers do not show its own format.

    Raises NotFoundError IMAGE_NOT_FOUND for what is no image.
    """
    try:
        with Image.open(io.BytesIO(data), formats=list(_SHOWN_AS_THEY_ARE)) as image:
            # Those of phones are "MPO": a JPEG with further pictures behind it.
            return data, _SHOWN_AS_THEY_ARE.get(str(image.format), "image/jpeg")
    except (OSError, ValueError, Image.DecompressionBombError):
        pass  # TIFF and others, which browsers do not show
    with _DECODED_AT_A_TIME:
        found = decode(data, _LIMITS)
        if isinstance(found, Reject):
            raise NotFoundError("the file is no image any more", reason="IMAGE_NOT_FOUND")
        buffer = io.BytesIO()
        found.image.save(buffer, "PNG")
    return buffer.getvalue(), "image/png"
