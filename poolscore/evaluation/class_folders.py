"""Images whose class is the folder they lie in: FOLDER/class/x.jpg or FOLDER/train/class/x.jpg."""

from pathlib import Path

from poolscore.evaluation.labeled_image import LabeledImage, split_named
from poolscore.images.decode import IMAGE_SUFFIXES


def read_class_folders(root: Path) -> list[LabeledImage]:
    """Return the images by path; none if that is not how the folder is laid out.

    The folders below `root` are splits if all of them have names of splits, otherwise classes.
    """
    if not root.is_dir():
        return []
    folders = sorted(each for each in root.iterdir() if each.is_dir())
    if folders and all(split_named(each.name) for each in folders):
        return [
            image
            for split in folders
            for folder in sorted(each for each in split.iterdir() if each.is_dir())
            for image in _of_class(folder, split_named(split.name))
        ]
    return [image for folder in folders for image in _of_class(folder, None)]


def _of_class(folder: Path, split: str | None) -> list[LabeledImage]:
    """All images in and below the folder of a class."""
    paths = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()
    )
    return [LabeledImage(path, folder.name, split) for path in paths]
