"""`poolscore photographs`: something to try poolscore with."""

import csv
from collections.abc import Callable
from pathlib import Path

from poolscore.errors import AlreadyExistsError
from services.demo.photographs import write_photographs
from services.demo.subjects import SUBJECTS


def write_samples(folder: Path, count: int, on_progress: Callable[[int, int], None]) -> int:
    """Fill a new folder with `pool/`, `labels.csv` (path, label) and `classes.txt`; return how many
    photographs there are, without the broken files beside them.

    Raises AlreadyExistsError FOLDER_EXISTS: nothing of the user's is touched.
    """
    if folder.exists():
        raise AlreadyExistsError(
            f"'{folder}' is there already; name a new folder", reason="FOLDER_EXISTS"
        )
    write_photographs(folder, 0, on_progress, count, 0)
    (folder / "test").rmdir()
    labels = folder / "labels.csv"
    with labels.open(newline="") as file:
        rows = [(row["path"], row["label"]) for row in csv.DictReader(file)]
    with labels.open("w", newline="") as file:
        csv.writer(file).writerows([("path", "label"), *rows])
    (folder / "classes.txt").write_text("".join(f"{name}\n" for name in sorted(SUBJECTS)))
    return len(rows)
