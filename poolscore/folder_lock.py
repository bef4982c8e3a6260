"""One process at a time in a folder."""

import fcntl
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from poolscore.errors import FailedPreconditionError


@contextmanager
def hold(file: Path, what: str) -> Generator[None]:
    """Keep others of `what` ("demo") out of the folder of `file` while the block runs.

    The lock is the process's: whatever ends it, the next one can start at once. `file` is made if
    it is not there, its folder is not. Raises FailedPreconditionError OUT_IN_USE.
    """
    with file.open("a") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FailedPreconditionError(
                f"another {what} is running in '{file.parent}'; wait for its end, stop it or give "
                "another folder with --out",
                reason="OUT_IN_USE",
                path=str(file.parent),
            ) from None
        yield
