"""Bytes of an image file to a picture, or to a typed reject. Never raises.

What a browser would show is what is embedded: orientation applied, transparency on white, 16-bit
grey scaled (not clipped) to 8 bit, the first frame of an animation.
"""

import io
import warnings
from dataclasses import dataclass

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from poolscore.images.reject import Reject, RejectReason

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
"""Formats that are decoded; everything else is rejected unseen."""

IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"}
)
"""Endings of files that are looked at in a folder."""

_MAGIC = {
    "JPEG": (b"\xff\xd8\xff",),
    "PNG": (b"\x89PNG\r\n\x1a\n",),
    "WEBP": (b"RIFF",),
    "GIF": (b"GIF87a", b"GIF89a"),
    "TIFF": (b"II*\0", b"MM\0*"),
}
_SIXTEEN_BIT = ("I;16", "I;16L", "I;16B", "I;16N")


@dataclass(frozen=True)
class DecodeLimits:
    """What is refused before it costs memory."""

    max_bytes: int = 64 * 2**20
    """Size of the file."""
    max_pixels: int = 89_478_485
    """Width times height; the default is Pillow's own (a quarter GiB of RGB)."""
    max_aspect: float = 30.0
    """Long side over short side."""


@dataclass(frozen=True)
class Picture:
    """What a file shows, upright."""

    image: Image.Image
    """RGB; smaller than the file where it was decoded at a reduced size."""
    width: int
    """Pixels of the file."""
    height: int


def decode(
    data: bytes, limits: DecodeLimits | None = None, side: int | None = None
) -> Picture | Reject:
    """Return the picture, or the reason why there is none.

    Where both sides may be as small as `side` pixels, a large JPEG is decoded at a half, a quarter
    or an eighth of its size, which costs as much less. That is for pictures to look at, not to
    embed: fine detail aliases (figures in `pipelines.decode_stage`).
    """
    limits = limits or DecodeLimits()
    if not data:
        return Reject(RejectReason.EMPTY, "the file has no bytes")
    if len(data) > limits.max_bytes:
        return Reject(
            RejectReason.TOO_LARGE_BYTES, f"{len(data):,} bytes, limit {limits.max_bytes:,}"
        )
    try:
        with warnings.catch_warnings():
            # Pillow only warns of a bomb below twice its limit; ours is checked below.
            warnings.simplefilter("ignore")
            return _decode(data, limits, side)
    except Image.DecompressionBombError as error:
        return Reject(RejectReason.DECOMPRESSION_BOMB, str(error))
    except UnidentifiedImageError:
        return _unidentified(data)
    except Exception as error:  # a hostile file can make a decoder raise anything
        return _broken(data, error)


def _decode(data: bytes, limits: DecodeLimits, side: int | None) -> Picture | Reject:
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        width, height = image.size
        if width * height > limits.max_pixels:
            return Reject(
                RejectReason.DECOMPRESSION_BOMB,
                f"{width} x {height} pixels, limit {limits.max_pixels:,} in all",
            )
        if max(width, height) > limits.max_aspect * min(width, height):
            return Reject(
                RejectReason.BAD_ASPECT,
                f"{width} x {height}, the long side may be {limits.max_aspect:g} times the short",
            )
        if side is not None:
            image.draft(None, (side, side))
        image.load()
        upright, turned = _upright(image)
        rgb = _to_rgb(upright)
    if isinstance(rgb, Reject):
        return rgb
    return Picture(rgb, height, width) if turned else Picture(rgb, width, height)


def _upright(image: Image.Image) -> tuple[Image.Image, bool]:
    """The picture as it was taken, and whether that turned it by a quarter: width is height."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
        return ImageOps.exif_transpose(image), orientation in range(5, 9)
    except Exception:  # broken EXIF: the picture is fine, its orientation unknown
        return image, False


def _to_rgb(image: Image.Image) -> Image.Image | Reject:
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode in _SIXTEEN_BIT or image.mode == "I":
        return _from_sixteen_bit(image)
    if image.mode in ("F", "LAB", "HSV"):
        return Reject(RejectReason.UNSUPPORTED_PIXELS, f"pixels of mode {image.mode}")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image.convert("RGB")


def _from_sixteen_bit(image: Image.Image) -> Image.Image | Reject:
    """Scale 0..65535 to 0..255; Pillow's own conversion clips at 255."""
    wide = np.asarray(image).astype(np.int64)
    if wide.min() < 0 or wide.max() > 65535:
        return Reject(RejectReason.UNSUPPORTED_PIXELS, "integer pixels beyond 16 bit")
    return Image.fromarray(((wide + 128) // 257).astype(np.uint8)).convert("RGB")


def _unidentified(data: bytes) -> Reject:
    for name, starts in _MAGIC.items():
        if data.startswith(starts):
            return Reject(
                RejectReason.TRUNCATED, f"begins as {name} but its header is cut or broken"
            )
    return Reject(RejectReason.NOT_AN_IMAGE, f"not one of {', '.join(FORMATS)}")


def _broken(data: bytes, error: Exception) -> Reject:
    detail = f"{type(error).__name__}: {error}"[:500]
    cut = isinstance(error, EOFError) or "truncated" in str(error).lower()
    # WebP says how long it is; its decoder does not say what is wrong.
    if cut or (data.startswith(b"RIFF") and int.from_bytes(data[4:8], "little") + 8 > len(data)):
        return Reject(RejectReason.TRUNCATED, detail)
    if "too large" in str(error).lower():
        return Reject(RejectReason.DECOMPRESSION_BOMB, detail)
    return Reject(RejectReason.CORRUPT, detail)
