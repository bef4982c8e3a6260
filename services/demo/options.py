"""What a demo was asked to do, kept beside its state so that a later start can tell."""

import shutil
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

NOTE = "demo.json"
"""File of a demo's folder that holds its options."""

Begin = Literal["new", "again", "resumed"]


class Options(BaseModel):
    """The choices that make two demos the same."""

    model_config = ConfigDict(frozen=True)

    data: Path | None
    """Folder with labels.csv; None: the photographs of scikit-image."""
    rounds: int
    labels_per_round: int
    """0: twice the number of classes for our photographs, once for the user's."""
    strategy: str
    pool_size: int
    test_size: int
    seed: int


def prepare(out: Path, options: Options) -> Begin:
    """Keep the state of an unfinished demo with these options in a claimed folder, else drop it."""
    note, summary = out / NOTE, out / "summary.json"
    finished, same = summary.exists(), _read(note) == options
    if same and not finished:
        return "resumed"
    shutil.rmtree(out / "state", ignore_errors=True)
    for stale in (summary, out / "report.html"):
        stale.unlink(missing_ok=True)
    if not same:
        shutil.rmtree(out / "data", ignore_errors=True)
    note.write_text(options.model_dump_json(indent=2) + "\n")
    return "again" if finished else "new"


def _read(note: Path) -> Options | None:
    try:
        return Options.model_validate_json(note.read_text())
    except (OSError, ValidationError):
        return None
