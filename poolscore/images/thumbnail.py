"""Small copies of pictures, to look at."""

import io

from PIL import Image, ImageOps


def jpeg(picture: Image.Image, side: int, quality: int) -> bytes:
    """A JPEG file of an RGB picture, its longer side at most `side` pixels; never enlarged."""
    if max(picture.size) > side:
        picture = ImageOps.contain(picture, (side, side), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality, optimize=True)
    return buffer.getvalue()
