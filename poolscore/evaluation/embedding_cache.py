"""Embeddings of image files, each computed once and kept.

Shapes: N images, D embedding width.
"""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from poolscore.encoder.encoder import Encoder
from poolscore.errors import InvalidInputError
from poolscore.images.load import load_image
from poolscore.user_files import file_errors

Float16 = npt.NDArray[np.float16]

_BATCH = 64
_KEEP_EVERY = 16
"""Batches between two writes of the cache."""
_NAMED = 5
"""Broken images that the error names."""


def embed_images(
    encoder: Encoder,
    images: Sequence[Path],
    cache: Path,
    on_progress: Callable[[int, int], None],
) -> Float16:
    """Return (N, D) L2-normalised features in the order of `images`.

    `cache` keeps them by encoder, path, size and time of change: what is in there is not embedded
    again, whatever was stopped, changed or broken beside it. `on_progress` gets (images done,
    images in all) while it embeds. Raises InvalidInputError IMAGE_BROKEN, once everything else is
    embedded, and CACHE_INVALID for a file that cannot be read or written.
    """
    keys = [_key(encoder, path) for path in images]
    known = _read(cache)
    missing = [row for row, key in enumerate(keys) if key not in known]
    broken = list[str]()
    try:
        for number, start in enumerate(range(0, len(missing), _BATCH), start=1):
            rows = missing[start : start + _BATCH]
            known |= _embed(encoder, [(keys[row], images[row]) for row in rows], broken)
            on_progress(len(images) - len(missing) + start + len(rows), len(images))
            if number % _KEEP_EVERY == 0:
                _write(cache, known)
    finally:
        if missing and known:
            _write(cache, known)
    if broken:
        rest = f"\n... and {len(broken) - _NAMED:,} more" if len(broken) > _NAMED else ""
        raise InvalidInputError("\n".join(broken[:_NAMED]) + rest, reason="IMAGE_BROKEN")
    return np.stack([known[key] for key in keys])


def _key(encoder: Encoder, path: Path) -> str:
    found = path.stat() if path.is_file() else None
    changed = (found.st_size, found.st_mtime_ns) if found else None
    return hashlib.sha256(f"{encoder.digest}\0{path}\0{changed}".encode()).hexdigest()


def _embed(
    encoder: Encoder, images: Sequence[tuple[str, Path]], broken: list[str]
) -> dict[str, Float16]:
    """Features by key; what is wrong with an image is noted in `broken`."""
    pixels: dict[str, npt.NDArray[np.uint8]] = {}
    for key, path in images:
        try:
            pixels[key] = encoder.preprocess(load_image(path))
        except InvalidInputError as error:
            broken.append(error.message)
    if not pixels:
        return {}
    return dict(zip(pixels, encoder.encode_images(np.stack(list(pixels.values()))), strict=True))


def _read(cache: Path) -> dict[str, Float16]:
    if not cache.exists():
        return {}
    try:
        with np.load(cache) as kept:
            return dict(zip(kept["keys"].tolist(), kept["features"], strict=True))
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise InvalidInputError(
            f"'{cache}' holds no embeddings that can be read; delete it, or name another folder "
            "with --cache",
            reason="CACHE_INVALID",
        ) from error


def _write(cache: Path, known: dict[str, Float16]) -> None:
    """Write all that is known, whole or not at all."""
    with file_errors(cache, "name another folder with --cache", "CACHE_INVALID"):
        cache.parent.mkdir(parents=True, exist_ok=True)
        unfinished = cache.with_suffix(".tmp")
        with unfinished.open("wb") as file:
            np.savez(file, keys=np.array(list(known)), features=np.stack(list(known.values())))
        unfinished.replace(cache)
