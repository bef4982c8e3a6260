"""An image file that a user named, as RGB or as one clear error."""

from pathlib import Path

from PIL import Image

from poolscore.errors import InvalidInputError
from poolscore.images.decode import DecodeLimits, Picture, decode
from poolscore.user_files import file_problem


def load_image(path: Path, limits: DecodeLimits | None = None) -> Image.Image:
    """Read and decode; no more bytes are read than the limits allow.

    Raises InvalidInputError IMAGE_BROKEN.
    """
    limits = limits or DecodeLimits()
    try:
        with path.open("rb") as file:
            found = decode(file.read(limits.max_bytes + 1), limits)
    except OSError as error:
        raise _broken(path, file_problem(error)) from error
    if isinstance(found, Picture):
        return found.image
    raise _broken(path, f"cannot be used: {found.detail}")


def _broken(path: Path, why: str) -> InvalidInputError:
    return InvalidInputError(
        f"image '{path}' {why}; mend it or take it out of the labels",
        reason="IMAGE_BROKEN",
        path=str(path),
    )
