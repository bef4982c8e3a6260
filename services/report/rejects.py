"""Rejected inputs, explained."""

from collections.abc import Mapping
from dataclasses import dataclass

from poolscore.images.reject import RejectReason

_MEANING = {
    RejectReason.UNREADABLE: "The file cannot be opened",
    RejectReason.EMPTY: "The file has no bytes",
    RejectReason.TOO_LARGE_BYTES: "The file is larger than the limit",
    RejectReason.NOT_AN_IMAGE: "Not one of the accepted image formats",
    RejectReason.TRUNCATED: "The file ends too early",
    RejectReason.CORRUPT: "The image data cannot be decoded",
    RejectReason.UNSUPPORTED_PIXELS: "Pixels that have no fixed meaning as colours",
    RejectReason.DECOMPRESSION_BOMB: "More pixels than the limit; not decoded",
    RejectReason.BAD_ASPECT: "One side is absurdly longer than the other",
    RejectReason.NOT_ALLOWED: "Outside of the places that the service may read",
    RejectReason.DUPLICATE_ID: "Another input with this id came first",
}


@dataclass(frozen=True)
class RejectRow:
    """How many inputs were rejected for one reason."""

    reason: str
    meaning: str
    count: int


def reject_rows(rejects: Mapping[str, int]) -> list[RejectRow]:
    """Most frequent first; a reason that this version does not know has no explanation."""
    ordered = sorted(rejects.items(), key=lambda item: (-item[1], item[0]))
    meanings = {str(reason): meaning for reason, meaning in _MEANING.items()}
    return [RejectRow(reason, meanings.get(reason, ""), number) for reason, number in ordered]
