"""A folder of labeled images: what can be asked for, and what only measures."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from poolscore.errors import InvalidInputError
from poolscore.evaluation.class_folders import read_class_folders
from poolscore.evaluation.labeled_image import TEST, LabeledImage, split_named
from poolscore.user_files import read_rows

_TEST_SHARE = 0.2
"""Of the images of a class, without a split, that are kept for the accuracy."""


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
    """Read `labels.csv` (path, label[, split]) of a folder, or a folder for every class.

    Images of train and val are the pool. Without a split a fifth of every class is drawn by `seed`
    as test images. Test images of a class that the pool lacks are left out. Raises
    InvalidInputError (LABELS_MISSING, LABELS_INVALID).
    """
    root = root.expanduser().resolve()
    table = root / "labels.csv"
    images = _read_table(table, column) if table.is_file() else read_class_folders(root)
    if not images:
        raise InvalidInputError(
            f"'{root}' has neither a labels.csv (columns path, {column} and, if you have one, "
            "split) nor a folder of images for every class, in folders train and test or without",
            reason="LABELS_MISSING",
        )
    is_test = _test_images(images, seed)
    pairs = [(image.path, image.label) for image in images]
    pool = [pair for pair, test in zip(pairs, is_test, strict=True) if not test]
    classes = sorted({name for _, name in pool})
    tests = [pair for pair, test in zip(pairs, is_test, strict=True) if test]
    tests = [pair for pair in tests if pair[1] in classes]
    if len(classes) < 2 or not tests:
        raise InvalidInputError(
            f"'{root}' gives {len(classes)} classes in the pool and {len(tests)} test images; at "
            "least two classes and one test image are needed: mark some images as 'test', or leave "
            "the split out to have some drawn",
            reason="LABELS_INVALID",
        )
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


def _read_table(path: Path, column: str) -> list[LabeledImage]:
    needs = f"it needs rows of path, {column}[, split]"
    rows = read_rows(path, ("path", column), needs, "LABELS_INVALID")
    images: list[LabeledImage] = []
    for row in rows:
        place = (path.parent / row["path"]).resolve()
        split = split_named(row["split"]) if "split" in row else None
        problem = None
        if not row["path"] or not row[column]:
            problem = f"the row of '{row['path']}' has no path or no {column}"
        elif "split" in row and split is None:
            problem = f"'{row['path']}' has the split '{row['split']}', not train, val or test"
        elif not place.is_relative_to(path.parent):
            problem = f"'{row['path']}' lies outside of the folder"
        if problem is not None:
            raise _invalid(path, problem, needs)
        images.append(LabeledImage(place, row[column], split))
    twice = [name for name, count in Counter(image.path for image in images).items() if count > 1]
    if twice:
        raise _invalid(path, f"'{twice[0]}' is in it twice", needs)
    return images


def _test_images(images: Sequence[LabeledImage], seed: int) -> list[bool]:
    if images[0].split is not None:
        return [image.split == TEST for image in images]
    rng, drawn = np.random.default_rng(seed), np.zeros(len(images), np.bool_)
    labels = np.array([image.label for image in images])
    for name in sorted(set(labels.tolist())):
        rows = np.flatnonzero(labels == name)
        drawn[rng.permutation(rows)[: round(_TEST_SHARE * len(rows))]] = True
    return drawn.tolist()


def _invalid(path: Path, what: str, needs: str) -> InvalidInputError:
    return InvalidInputError(f"'{path}' cannot be used: {what}; {needs}", reason="LABELS_INVALID")
