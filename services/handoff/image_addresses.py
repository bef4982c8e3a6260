"""Where Label Studio finds the images of a task file."""

from collections.abc import Callable
from urllib.parse import quote, unquote

from pipelines.addresses import parse_address
from poolscore.errors import InvalidInputError

_LOCAL = "file://"
_LOCAL_FILES = "/data/local-files/?d="
"""What Label Studio itself serves, by the path below its document root."""


def image_addresses(base: str = "") -> Callable[[str], str]:
    """Return what makes the address for Label Studio of the URI of an image.

    `base` is FROM=TO: where a path or address begins with FROM, that becomes TO. Without it, files
    on a disk are those that Label Studio serves with the document root /, and addresses in object
    stores stay as they are.

    Raises InvalidInputError INVALID_IMAGE_BASE; what it returns raises IMAGE_IN_ARCHIVE and
    IMAGE_OUTSIDE_BASE.
    """
    old, equals, new = base.partition("=")
    if base and not (old and equals and new):
        raise InvalidInputError(
            f"'{base}' is no image base; write FROM=TO, as in /data=https://images.example.org",
            reason="INVALID_IMAGE_BASE",
        )

    def address(uri: str) -> str:
        if parse_address(uri) is not None:
            raise InvalidInputError(
                f"{uri} lies inside of a file, where Label Studio cannot show it; let 'poolscore "
                "label-studio' serve the images, or lease to CSV",
                reason="IMAGE_IN_ARCHIVE",
            )
        path = _path(uri)
        if base:
            return new + quote(_below(path, old))
        return uri if "://" in path else _LOCAL_FILES + quote(path.lstrip("/"))

    return address


def _path(uri: str) -> str:
    return unquote(uri.removeprefix(_LOCAL)) if uri.startswith(_LOCAL) else uri


def _below(path: str, base: str) -> str:
    below = path.removeprefix(base)
    if not path.startswith(base) or not (base.endswith("/") or below.startswith("/")):
        raise InvalidInputError(
            f"{path} does not begin with {base}; --image-base FROM=TO needs a FROM that all images "
            "of the batch lie below",
            reason="IMAGE_OUTSIDE_BASE",
        )
    return below
