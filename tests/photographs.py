"""A small pool of real photographs, cut from those that scikit-image's wheel carries."""

from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data

CLASSES = ("astronaut", "cat", "coffee", "rocket")


def write_photographs(folder: Path, count: int) -> list[Path]:
    """Write `count` JPEG crops, named by class; the same files every time."""
    pictures = [data.astronaut(), data.chelsea(), data.coffee(), data.rocket()]
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    for number in range(count):
        picture = pictures[number % len(pictures)]
        height, width = picture.shape[:2]
        side = int(rng.integers(150, min(height, width)))
        top, left = int(rng.integers(height - side)), int(rng.integers(width - side))
        path = folder / f"{CLASSES[number % len(CLASSES)]}-{number:04d}.jpg"
        crop = Image.fromarray(picture[top : top + side, left : left + side])
        crop.save(path, quality=int(rng.integers(60, 96)))
        paths.append(path)
    return paths


def write_broken(folder: Path) -> dict[str, str]:
    """Write one file for each way to be broken; returns the reject reason by file name."""
    folder.mkdir(parents=True, exist_ok=True)
    whole = (folder / "whole.bin").with_suffix(".jpg")
    Image.fromarray(data.astronaut()).save(whole)
    content = whole.read_bytes()
    whole.unlink()
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "cut.jpg").write_bytes(content[: len(content) // 2])
    (folder / "text.jpg").write_text("this is no photograph")
    Image.new("RGB", (2000, 10)).save(folder / "ribbon.png")
    Image.new("1", (10_000, 10_000)).save(folder / "bomb.png")
    (folder / "dangling.jpg").symlink_to(folder / "nowhere.jpg")
    return {
        "empty.jpg": "EMPTY",
        "cut.jpg": "TRUNCATED",
        "text.jpg": "NOT_AN_IMAGE",
        "ribbon.png": "BAD_ASPECT",
        "bomb.png": "DECOMPRESSION_BOMB",
        "dangling.jpg": "UNREADABLE",
    }
