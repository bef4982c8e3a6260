"""Files that a real pool holds as well: broken ones, and legal ones in unusual forms."""

import struct
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from services.demo.subjects import photograph


def write_broken(folder: Path) -> None:
    """Write one file for each way to be unusable."""
    whole = folder / "broken-truncated.jpg"
    photograph("cat").save(whole, quality=90)
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size // 3])
    (folder / "broken-empty.jpg").write_bytes(b"")
    (folder / "broken-text.jpg").write_text("This is a letter, not a photograph.\n")
    (folder / "broken-bomb.png").write_bytes(_png_that_claims(60_000, 60_000))
    Image.new("RGB", (6000, 8), (200, 30, 30)).save(folder / "broken-ribbon.png")


def write_unusual(folder: Path) -> Mapping[str, str]:
    """Write one file for each legal but unusual form; return their class by file name."""
    coffee, cat, moon = photograph("cup of coffee"), photograph("cat"), photograph("moon")
    coffee.convert("CMYK").save(folder / "unusual-cmyk.jpg", quality=90)
    deep = np.asarray(moon.convert("L"), dtype=np.uint16) * 257
    Image.fromarray(deep).save(folder / "unusual-16-bit.png")
    cat.quantize(64).save(folder / "unusual-palette.png")
    rocket = photograph("rocket").copy()
    rocket.putalpha(200)
    rocket.save(folder / "unusual-alpha.png")
    exif = Image.Exif()
    exif[0x0112] = 6  # "turn me by 90 degrees"
    photograph("astronaut").rotate(90, expand=True).save(folder / "unusual-turned.jpg", exif=exif)
    return {
        "unusual-cmyk.jpg": "cup of coffee",
        "unusual-16-bit.png": "moon",
        "unusual-palette.png": "cat",
        "unusual-alpha.png": "rocket",
        "unusual-turned.jpg": "astronaut",
    }


def _png_that_claims(width: int, height: int) -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(b"\0" * 100)
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(part) for part in (header, data, b"IEND"))


def _chunk(content: bytes) -> bytes:
    return struct.pack(">I", len(content) - 4) + content + struct.pack(">I", zlib.crc32(content))
