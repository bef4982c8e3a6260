"""The file of a study: JSON that a stopped simulation goes on from, one line a finished cell."""

import json
from collections.abc import Mapping
from pathlib import Path

from pyarrow import fs
from pydantic import ValidationError

from poolscore.errors import InvalidInputError
from poolscore.evaluation.records import FORMAT, Cell, CellKey, Study
from poolscore.store.files import write_atomic
from poolscore.user_files import file_errors

_ADVICE = "restore it from a copy, choose another --out or delete the file"


def read_study(path: Path) -> Study:
    """Read a file of `StudyFile`.

    Raises InvalidInputError STUDY_INVALID when there is none, when it is damaged or of another
    format, or when a cell stands in it twice.
    """
    with file_errors(path, _ADVICE, "STUDY_INVALID"):
        text = path.read_bytes()
    try:
        study = Study.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise _invalid(path, f"{place}: {first['msg']}") from error
    keys = [cell.key for cell in study.cells]
    if len(set(keys)) < len(keys):
        raise _invalid(path, "a cell stands in it twice")
    return study


def _invalid(path: Path, what: str) -> InvalidInputError:
    return InvalidInputError(
        f"'{path}' is no study that can be read ({what}); {_ADVICE}", reason="STUDY_INVALID"
    )


class StudyFile:
    """A study on disk, for one process at a time.

    The whole file is written anew with every cell, so that it is complete JSON at any moment and a
    kill loses no finished cell. One text a cell is kept, which makes that cheap.
    """

    def __init__(self, path: Path, settings: Mapping[str, str]) -> None:
        """Open the study at `path`, or create it, with its folder.

        Raises InvalidInputError: STUDY_SETTINGS when its cells were made with other settings,
        STUDY_INVALID when it cannot be read or written.
        """
        self._path = path
        self._settings = dict(sorted(settings.items()))
        self._cells: dict[CellKey, Cell] = {}
        self._lines: list[str] = []
        if path.exists():
            self._resume(read_study(path))
        else:
            self._write()

    @property
    def study(self) -> Study:
        """Everything that is stored."""
        return Study(settings=self._settings, cells=tuple(self._cells.values()))

    def done(self, key: CellKey) -> bool:
        """Whether the cell is stored."""
        return key in self._cells

    def add(self, cell: Cell) -> None:
        """Store a finished cell; it is on disk when the call returns.

        Raises ValueError when the cell is stored already, InvalidInputError STUDY_INVALID when the
        file cannot be written.
        """
        if self.done(cell.key):
            raise ValueError(f"{cell.key} is stored already")
        self._cells[cell.key] = cell
        self._lines.append(cell.model_dump_json())
        self._write()

    def _resume(self, stored: Study) -> None:
        changes = _changes(stored.settings, self._settings)
        if changes:
            raise InvalidInputError(
                f"'{self._path}' holds a study with other settings ({'; '.join(changes)}), and its "
                "cells cannot be compared with new ones; choose another --out or delete the file",
                reason="STUDY_SETTINGS",
                path=str(self._path),
            )
        self._cells = {cell.key: cell for cell in stored.cells}
        self._lines = [cell.model_dump_json() for cell in stored.cells]

    def _write(self) -> None:
        settings = json.dumps(self._settings, indent=1)
        head = f'{{"format": "{FORMAT}",\n"settings": {settings},\n"cells": [\n'
        data = head + ",\n".join(self._lines) + "\n]}\n"
        advice = "choose another --out, or make room for it"
        with file_errors(self._path, advice, "STUDY_INVALID"):
            write_atomic(fs.LocalFileSystem(), str(self._path), data.encode())


def _changes(stored: Mapping[str, str], asked: Mapping[str, str]) -> list[str]:
    def shown(settings: Mapping[str, str], name: str) -> str:
        return f"'{settings[name]}'" if name in settings else "not set"

    return [
        f"{name}: {shown(stored, name)} there, {shown(asked, name)} now"
        for name in sorted({*stored, *asked})
        if stored.get(name) != asked.get(name)
    ]
