"""Files that people name: what is wrong with one, in words instead of an errno."""

import csv
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from poolscore.errors import InvalidInputError

_PROBLEMS: tuple[tuple[type[Exception], str], ...] = (
    (FileNotFoundError, "does not exist"),
    (FileExistsError, "is a file, not a folder"),
    (IsADirectoryError, "is a folder, not a file"),
    (NotADirectoryError, "lies below a file as if that were a folder"),
    (PermissionError, "is not open to this user: permission denied"),
    (UnicodeDecodeError, "is not UTF-8 text"),
)


def file_problem(error: Exception) -> str:
    """What an error of the file system or of a parser says of a file, to follow its name."""
    for kind, words in _PROBLEMS:
        if isinstance(error, kind):
            return words
    detail = error.strerror.lower() if isinstance(error, OSError) and error.strerror else str(error)
    return f"cannot be used: {detail}"


@contextmanager
def file_errors(path: Path, advice: str, reason: str) -> Generator[None]:
    """Turn what goes wrong with `path` in the block into an InvalidInputError (`reason`)."""
    try:
        yield
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        what = file_problem(error)
        raise InvalidInputError(f"'{path}' {what}; {advice}", reason=reason) from error


def read_rows(path: Path, columns: Sequence[str], advice: str, reason: str) -> list[dict[str, str]]:
    """Rows of a UTF-8 CSV file whose header has at least `columns`; an absent value is "".

    Raises InvalidInputError (`reason`).
    """
    with file_errors(path, advice, reason), path.open(newline="", encoding="utf-8-sig") as file:
        # An unclosed quote would make one value of the rest of the file.
        reader = csv.DictReader(file, restval="", strict=True)
        header = list(reader.fieldnames or ())
        missing = [name for name in columns if name not in header]
        if missing:
            raise csv.Error(_lacking(missing, header))
        return [_checked(row, reader.line_num) for row in reader]


def _lacking(missing: Sequence[str], header: Sequence[str]) -> str:
    has = f"its header has {_listed(header)}" if header else "it is empty"
    return f"it lacks the column{'s' if len(missing) > 1 else ''} {_listed(missing)}; {has}"


def _listed(names: Sequence[str]) -> str:
    *first, last = (f"'{name}'" for name in names)
    return f"{', '.join(first)} and {last}" if first else last


def _checked(row: dict[str, str], line: int) -> dict[str, str]:
    # DictReader keeps the values beyond the header under None; spreadsheets write empty ones.
    beyond = cast("dict[None, list[str]]", row).pop(None, [])
    if any(beyond):
        raise csv.Error(f"line {line} has more values than the header; quote values with a comma")
    return row
