"""What a demo was asked to do, kept beside its state so that a later start can tell."""

import shutil
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from poolscore.errors import InvalidInputError

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
    """Make `out` ready: keep the state of an unfinished demo with these options, else drop it.

    Raises InvalidInputError OUT_NOT_USABLE for a folder in which no demo has been before: what
    somebody else keeps there under our names must not be dropped.
    """
    note, summary = out / "demo.json", out / "summary.json"
    if out.exists() and not (out.is_dir() and (note.exists() or not any(out.iterdir()))):
        raise InvalidInputError(
            f"'{out}' holds something else; give a new or empty folder with --out",
            reason="OUT_NOT_USABLE",
            path=str(out),
        )
    out.mkdir(parents=True, exist_ok=True)
    finished, same = summary.exists(), _read(note) == options
    if same and not finished:
        return "resumed"
    if note.exists():
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
