"""Where a service that is open to others may read images from."""

import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from pipelines.addresses import parse_address
from pipelines.file_systems import OBJECT_STORES, local_path, object_path, split_address
from pipelines.sources.credentials import refuse_credentials
from poolscore.errors import InvalidInputError, PermissionDeniedError
from poolscore.images.reject import Reject, RejectReason

SETTING = "POOLSCORE_SOURCE_ROOTS"

_FOLDERS = 4096
"""Folders whose links are followed once."""


class _Place(NamedTuple):
    """A file or folder, in one way of writing."""

    scheme: str
    query: str
    """What an address asks of its object store, such as another endpoint."""
    path: str
    """With a slash at its end; that of an object begins with the bucket."""


class SourceRoots:
    """Folders and prefixes of buckets that may be read; none: everything.

    A path counts as what it is after its links and dots are followed, an address as scheme, bucket
    and whole names of folders. What an address asks of its store, as in `?endpoint_override=...`,
    must be what the root asks. Folders are remembered: make a new object for each listing.
    """

    def __init__(self, setting: str = "") -> None:
        """Read a list of absolute paths and `s3://` or `gs://` addresses with commas between.

        Raises InvalidInputError SETTING_INVALID.
        """
        named = (each.strip() for each in setting.split(","))
        self._roots = tuple(_root(each) for each in named if each)
        self._folder = lru_cache(_FOLDERS)(os.path.realpath)

    def check(self, source: str) -> None:
        """Raise PermissionDeniedError SOURCE_NOT_ALLOWED for a source that lies elsewhere.

        `source` is as it was written; nothing of it is opened.
        """
        if self._roots and not self._hold(_source(source)):
            raise PermissionDeniedError(
                f"source '{source}' is not in a folder or bucket that this service may read; name "
                f"one that is, or ask the operator to add its place to {SETTING}",
                reason="SOURCE_NOT_ALLOWED",
                source=source,
            )

    def refusal(self, uri: str) -> Reject | None:
        """Why the image at the address of an entry may not be read; None when it may be."""
        if not self._roots:
            return None
        part = parse_address(uri)
        place = _place(part.file if part else uri, self._real)
        return None if self._hold(place) else _NOT_ALLOWED

    def folder_refusal(self, real: str) -> Reject | None:
        """The same for a folder of this machine, all links in `real` followed."""
        allowed = not self._roots or self._hold(_Place("file", "", _ended(real)))
        return None if allowed else _NOT_ALLOWED

    def _hold(self, place: _Place | None) -> bool:
        return place is not None and any(
            place[:2] == root[:2] and place.path.startswith(root.path) for root in self._roots
        )

    def _real(self, path: str) -> str:
        """`os.path.realpath` of a file, which follows the links of its folder once."""
        folder, name = os.path.split(path)
        if name in ("", ".", ".."):
            return os.path.realpath(path)
        real = os.path.join(self._folder(folder), name)  # noqa: PTH118 once an image
        return os.path.realpath(real) if os.path.islink(real) else real  # noqa: PTH114


ANYWHERE = SourceRoots()
"""No limits: on a machine of one's own."""

_NOT_ALLOWED = Reject(
    RejectReason.NOT_ALLOWED, "it is not in a folder or bucket that the service may read"
)


def _source(source: str) -> _Place | None:
    if "://" in source:
        return _place(source, os.path.realpath)
    try:
        return _Place("file", "", _ended(str(Path(source).expanduser().resolve())))
    except (OSError, RuntimeError, ValueError):  # a home that nobody has, links in a circle, a NUL
        return None


def _place(address: str, real: Callable[[str], str]) -> _Place | None:
    """Where an address leads when it is opened; None for what cannot be said for certain."""
    try:
        path = local_path(address)
        if path is not None:
            return _Place("file", "", _ended(real(str(path)))) if path.is_absolute() else None
        parts = split_address(address)
    except (OSError, ValueError):
        return None
    name = object_path(parts)
    bucket, *folders = name.split("/")
    # Some of what reads an address drops the dots, and some does not.
    if parts.scheme not in OBJECT_STORES or not bucket or {".", ".."} & {bucket, *folders}:
        return None
    return None if "%" in parts.netloc else _Place(parts.scheme, parts.query, _ended(name))


def _root(text: str) -> _Place:
    refuse_credentials(text)
    is_absolute = "://" in text or Path(text).is_absolute()
    place = _source(text) if is_absolute else None
    if place is None:
        raise InvalidInputError(
            f"{SETTING} names '{text}'; give absolute paths of folders and addresses such as "
            "s3://bucket/prefix, with commas between",
            reason="SETTING_INVALID",
        )
    return place


def _ended(path: str) -> str:
    return f"{path.rstrip('/')}/"
