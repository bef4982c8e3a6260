"""Why an input could not be embedded."""

from dataclasses import dataclass
from enum import StrEnum


class RejectReason(StrEnum):
    """Typed reason of a reject row."""

    UNREADABLE = "UNREADABLE"
    """The address cannot be opened: missing, forbidden, not a regular file, unknown scheme."""
    EMPTY = "EMPTY"
    """Zero bytes."""
    TOO_LARGE_BYTES = "TOO_LARGE_BYTES"
    """More bytes than the limit; not read."""
    NOT_AN_IMAGE = "NOT_AN_IMAGE"
    """Not one of the accepted formats."""
    TRUNCATED = "TRUNCATED"
    """Begins as an accepted format and ends too early."""
    CORRUPT = "CORRUPT"
    """An accepted format whose data cannot be decoded."""
    UNSUPPORTED_PIXELS = "UNSUPPORTED_PIXELS"
    """Decodes, but its pixels have no fixed meaning as colours (32-bit integers, floats, LAB)."""
    DECOMPRESSION_BOMB = "DECOMPRESSION_BOMB"
    """More pixels than the limit; not decoded."""
    BAD_ASPECT = "BAD_ASPECT"
    """One side is absurdly longer than the other."""
    NOT_ALLOWED = "NOT_ALLOWED"
    """The address is outside of the places that the service may read."""
    DUPLICATE_ID = "DUPLICATE_ID"
    """Another input of the same source has this id and came first."""


@dataclass(frozen=True)
class Reject:
    """An input that is not embedded, and why."""

    reason: RejectReason
    detail: str
    """One sentence for people."""

    def __post_init__(self) -> None:
        """Escape what UTF-8 cannot hold: names of files and members may be any bytes."""
        detail = self.detail.encode(errors="backslashreplace").decode()
        object.__setattr__(self, "detail", detail)
