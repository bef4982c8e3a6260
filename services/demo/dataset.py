"""Labeled photographs on disk: a pool for the service, and the truth, which it never sees."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from poolscore.errors import InvalidInputError
from poolscore.user_files import read_rows

_NEEDED = "it needs rows of path, label[, split]"

_TEST_SHARE = 0.2
"""Of images without a split column that are kept for the accuracy."""


@dataclass(frozen=True)
class Dataset:
    """Paths are absolute; class names are sorted."""

    root: Path
    classes: Sequence[str]
    pool: Mapping[str, str]
    """File URI -> class of every image that may be leased."""
    test: Sequence[tuple[Path, str]]
    """Image and class of every image that only measures accuracy."""
    own_folder: Path | None = None
    """A folder that holds the pool and nothing else."""

    def source(self, out: Path) -> str:
        """What `embed` is given: the pool's own folder, or a list of its paths in `out`."""
        if self.own_folder is not None:
            return str(self.own_folder)
        listing = out / "pool.csv"
        with listing.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["uri"])
            writer.writerows([uri] for uri in self.pool)
        return str(listing)


def load_dataset(root: Path, seed: int) -> Dataset:
    """Read `labels.csv` (path, label[, split]) of a folder; train and val are the pool.

    Without a split a fifth is drawn by `seed` as test images. Raises InvalidInputError
    (LABELS_MISSING, LABELS_INVALID).
    """
    root = root.expanduser().resolve()
    rows = _read(root / "labels.csv")
    is_test = _test_rows(rows, seed)
    missing = next((row["path"] for row in rows if not row["path"] or not row["label"]), None)
    if missing is not None:
        raise _invalid(root, f"the row of '{missing}' has no path or no label")
    pool = {
        (root / row["path"]).as_uri(): row["label"]
        for row, test in zip(rows, is_test, strict=True)
        if not test
    }
    tests = [
        (root / row["path"], row["label"]) for row, test in zip(rows, is_test, strict=True) if test
    ]
    classes = sorted(set(pool.values()))
    if len(classes) < 2 or not tests:
        raise _invalid(
            root, f"it gives {len(classes)} classes in the pool and {len(tests)} test images"
        )
    return Dataset(root, classes, pool, [each for each in tests if each[1] in classes])


def _read(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        raise InvalidInputError(
            f"'{path}' does not exist: the demo needs a labels.csv with the columns path, label "
            "and, if you have one, split (train, val, test)",
            reason="LABELS_MISSING",
        )
    return read_rows(path, ("path", "label"), _NEEDED, "LABELS_INVALID")


def _test_rows(rows: Sequence[Mapping[str, str]], seed: int) -> list[bool]:
    if rows and "split" in rows[0]:
        return [row["split"] == "test" for row in rows]
    drawn = np.random.default_rng(seed).random(len(rows)) < _TEST_SHARE
    return [bool(value) for value in drawn]


def _invalid(root: Path, what: str) -> InvalidInputError:
    return InvalidInputError(
        f"'{root / 'labels.csv'}' cannot be used: {what}; {_NEEDED}",
        reason="LABELS_INVALID",
    )
