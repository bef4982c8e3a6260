"""One demo at a time in a folder."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from poolscore.errors import InvalidInputError
from poolscore.folder_lock import hold
from poolscore.user_files import file_errors
from services.demo.options import NOTE


@contextmanager
def claim(out: Path) -> Generator[None]:
    """Make `out` the folder of this demo alone while the block runs.

    The lock is the process's: whatever ends it, the next demo can start at once. Raises
    FailedPreconditionError OUT_IN_USE, and InvalidInputError OUT_NOT_USABLE for a folder in which
    no demo has been before: what somebody else keeps there under our names must not be dropped.
    """
    note = out / NOTE
    if out.exists() and not (out.is_dir() and (note.exists() or not any(out.iterdir()))):
        raise InvalidInputError(
            f"'{out}' holds something else; give a new or empty folder with --out",
            reason="OUT_NOT_USABLE",
            path=str(out),
        )
    with file_errors(out, "give a folder that can be written with --out", "OUT_NOT_USABLE"):
        out.mkdir(parents=True, exist_ok=True)
    with hold(note, "demo"):
        yield
