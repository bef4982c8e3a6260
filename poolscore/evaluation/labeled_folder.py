"""A folder of labeled images: what can be asked for, and what only measures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from poolscore.errors import InvalidInputError
from poolscore.user_files import read_rows

_TEST_SHARE = 0.2
"""Of images without a split column that are kept for the accuracy."""


@dataclass(frozen=True)
class LabeledFolder:
    """Paths are absolute; class names are sorted."""

    root: Path
    column: str
    """Column of `labels.csv` that holds the class."""
    classes: Sequence[str]
    pool: Sequence[tuple[Path, str]]
    """Image and class of every image that can be asked for."""
    test: Sequence[tuple[Path, str]]
    """Image and class of every image that only measures accuracy."""

    @property
    def name(self) -> str:
        """The folder's name, with the column if it is not `label`."""
        return self.root.name if self.column == "label" else f"{self.root.name}/{self.column}"


def read_labeled_folder(root: Path, seed: int, column: str = "label") -> LabeledFolder:
    """Read `labels.csv` (path, label[, split]) of a folder; train and val are the pool.

    Without a split a fifth is drawn by `seed` as test images. Test images of a class that the pool
    lacks are left out. Raises InvalidInputError (LABELS_MISSING, LABELS_INVALID).
    """
    root = root.expanduser().resolve()
    path, needs = root / "labels.csv", f"it needs rows of path, {column}[, split]"
    if not path.is_file():
        raise InvalidInputError(
            f"'{path}' does not exist: a folder of labeled images has a labels.csv with the "
            f"columns path, {column} and, if you have one, split (train, val, test)",
            reason="LABELS_MISSING",
        )
    rows = read_rows(path, ("path", column), needs, "LABELS_INVALID")
    problem = next((row["path"] for row in rows if not row["path"] or not row[column]), None)
    if problem is not None:
        raise _invalid(path, f"the row of '{problem}' has no path or no {column}", needs)
    images = [(root / row["path"], row[column]) for row in rows]
    is_test = _test_rows(rows, seed)
    pool = [image for image, test in zip(images, is_test, strict=True) if not test]
    classes = sorted({name for _, name in pool})
    tests = [image for image, test in zip(images, is_test, strict=True) if test]
    tests = [image for image in tests if image[1] in classes]
    if len(classes) < 2 or not tests:
        counts = f"it gives {len(classes)} classes in the pool and {len(tests)} test images"
        raise _invalid(path, counts, needs)
    return LabeledFolder(root, column, classes, pool, tests)


def read_labeled_folders(places: Sequence[str], seed: int = 0) -> list[LabeledFolder]:
    """Read several folders, each FOLDER or FOLDER:COLUMN.

    Raises InvalidInputError (LABELS_MISSING, LABELS_INVALID, DUPLICATE_DATA).
    """
    found = list[LabeledFolder]()
    for place in places:
        path, _, column = place.rpartition(":")
        if not path or Path(place).is_dir():
            path, column = place, "label"
        found.append(read_labeled_folder(Path(path), seed, column))
    names = [each.name for each in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InvalidInputError(
            f"two of the folders are called '{twice}', and results go by that name; rename one",
            reason="DUPLICATE_DATA",
        )
    return found


def _test_rows(rows: Sequence[Mapping[str, str]], seed: int) -> list[bool]:
    if rows and "split" in rows[0]:
        return [row["split"] == "test" for row in rows]
    drawn = np.random.default_rng(seed).random(len(rows)) < _TEST_SHARE
    return [bool(value) for value in drawn]


def _invalid(path: Path, what: str, needs: str) -> InvalidInputError:
    return InvalidInputError(f"'{path}' cannot be used: {what}; {needs}", reason="LABELS_INVALID")
