"""The formats in which batches are handed to annotation tools and come back."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path

from poolscore.errors import InvalidInputError
from poolscore.v1.query_service_pb2 import Batch
from services.handoff import coco, csv_rows, cvat, label_studio
from services.handoff.answered import Answered


class Format(StrEnum):
    """A file format."""

    CSV = "csv"
    LABEL_STUDIO = "label-studio"
    COCO = "coco"
    CVAT = "cvat"


_ENDINGS = {".csv": Format.CSV, ".xml": Format.CVAT}


def format_to_write(path: Path) -> Format:
    """The format that the name of a file to be written says.

    Raises InvalidInputError FORMAT_UNKNOWN.
    """
    if path.suffix.lower() == ".json":
        raise InvalidInputError(
            f"'{path}' may be tasks of Label Studio or COCO; say which with --format label-studio "
            "or --format coco",
            reason="FORMAT_UNKNOWN",
        )
    return _ENDINGS.get(path.suffix.lower(), Format.CSV)


def format_to_read(path: Path) -> Format:
    """The format that name and content of a file say: CSV, unless it is JSON or XML."""
    if path.suffix.lower() != ".json":
        return _ENDINGS.get(path.suffix.lower(), Format.CSV)
    try:
        with path.open(encoding="utf-8-sig") as file:
            is_list = file.read(1000).lstrip().startswith("[")
    except (OSError, UnicodeDecodeError):
        is_list = True  # the reader says what is wrong with it
    return Format.LABEL_STUDIO if is_list else Format.COCO


def write(
    form: Format, batch: Batch, classes: Sequence[str], image_address: Callable[[str], str]
) -> str:
    """The text of a file with the items of a batch, for a pool with these classes.

    `image_address` says where a tool finds what lies at a URI.
    """
    match form:
        case Format.CSV:
            return csv_rows.write(batch)
        case Format.LABEL_STUDIO:
            return label_studio.write(batch, image_address)
        case Format.COCO:
            return coco.write(batch, classes)
        case Format.CVAT:
            return cvat.write(batch, classes)


def read(form: Format, path: Path, *, reviewed: bool = False) -> list[Answered]:
    """The answers in a file.

    Predictions that nobody has touched are answers only where every image was `reviewed`. Raises
    InvalidInputError INVALID_ANSWERS_FILE.
    """
    match form:
        case Format.CSV:
            return csv_rows.read(path)
        case Format.LABEL_STUDIO:
            return label_studio.read(path)
        case Format.COCO:
            return coco.read(path, reviewed=reviewed)
        case Format.CVAT:
            return cvat.read(path, reviewed=reviewed)
