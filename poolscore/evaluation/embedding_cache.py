"""Embeddings of the images of a list, kept beside it in one file.

Shapes: N images, n of them embedded already, D embedding width.
"""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from poolscore.encoder.encoder import Encoder
from poolscore.errors import InvalidInputError
from poolscore.images.decode import decode

Float16 = npt.NDArray[np.float16]

_BATCH = 64
_KEEP_EVERY = 16
"""Batches between two writes of the cache."""


def embed_images(
    encoder: Encoder,
    images: Sequence[Path],
    cache: Path,
    on_progress: Callable[[int, int], None],
) -> Float16:
    """Return (N, D) L2-normalised features; `cache` keeps them for the next call.

    The cache is for this encoder and these files (path, size, time of change): others are embedded
    anew. What was embedded when a call was stopped is not embedded again. `on_progress` gets
    (images done, images in all) while it embeds. Raises InvalidInputError IMAGE_BROKEN.
    """
    key = _key(encoder, images)
    parts = [_kept(cache, key, encoder.dim)]
    done = len(parts[0])
    try:
        for number, start in enumerate(range(done, len(images), _BATCH), start=1):
            batch = images[start : start + _BATCH]
            pixels = [encoder.preprocess(_open(path)) for path in batch]
            parts.append(encoder.encode_images(np.stack(pixels)))
            on_progress(start + len(batch), len(images))
            if number % _KEEP_EVERY == 0:
                parts = [_keep(cache, key, parts)]
    finally:
        if len(parts) > 1:
            parts = [_keep(cache, key, parts)]
    return parts[0]


def _key(encoder: Encoder, images: Sequence[Path]) -> str:
    digest = hashlib.sha256(encoder.digest.encode())
    for path in images:
        found = path.stat() if path.is_file() else None
        changed = (found.st_size, found.st_mtime_ns) if found else None
        digest.update(f"\n{path}\0{changed}".encode())
    return digest.hexdigest()


def _kept(cache: Path, key: str, width: int) -> Float16:
    if cache.exists():
        with np.load(cache) as kept:
            if str(kept["key"]) == key:
                return kept["features"]
    return np.empty((0, width), np.float16)


def _keep(cache: Path, key: str, parts: Sequence[Float16]) -> Float16:
    """Write what there is, whole or not at all."""
    features_nD = np.concatenate(parts)
    unfinished = cache.with_suffix(".tmp")
    cache.parent.mkdir(parents=True, exist_ok=True)
    with unfinished.open("wb") as file:
        np.savez(file, key=key, features=features_nD)
    unfinished.replace(cache)
    return features_nD


def _open(path: Path) -> Image.Image:
    image = decode(path.read_bytes()) if path.is_file() else None
    if isinstance(image, Image.Image):
        return image
    why = image.detail if image else "it does not exist"
    raise InvalidInputError(
        f"image '{path}' cannot be used: {why}; mend it or take it out of labels.csv",
        reason="IMAGE_BROKEN",
        path=str(path),
    )
