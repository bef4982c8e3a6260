"""An image, its class and what it is for."""

from dataclasses import dataclass
from pathlib import Path

TEST = "test"
POOL = "pool"
_SPLITS = {"train": POOL, "val": POOL, "valid": POOL, "validation": POOL, "test": TEST}


@dataclass(frozen=True)
class LabeledImage:
    """One row of labels."""

    path: Path
    """Absolute."""
    label: str
    split: str | None
    """POOL or TEST; None: to be drawn."""


def split_named(name: str) -> str | None:
    """POOL for train, val, valid and validation, TEST for test, else None; case does not matter."""
    return _SPLITS.get(name.strip().lower())
