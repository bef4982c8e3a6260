"""A batch that nobody has leased; read where there is no torch."""

from collections.abc import Sequence
from dataclasses import dataclass

from poolscore.store.records import RankedItem


@dataclass(frozen=True)
class PreviewedBatch:
    """Items that a lease would take, and what they were chosen from and by."""

    items: Sequence[RankedItem]
    classes: tuple[str, ...]
    """Of the prompt version; predictions are places in it."""
    snapshot: int
    prompt_version: int
    ranking: int | None
    """The active one, which stays."""
    strategy: str
    parameters: dict[str, int | str]
    seed: int
