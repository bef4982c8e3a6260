"""Errors of database drivers as errors that a caller can act on."""

from collections.abc import Generator
from contextlib import contextmanager

from sqlalchemy.exc import OperationalError, StatementError
from sqlalchemy.exc import TimeoutError as NoConnectionError

from poolscore.errors import InvalidInputError, PoolscoreError, UnavailableError
from poolscore.store.catalog_url import display_url, invalid_url
from poolscore.store.engine import BUSY_TIMEOUT_S

# Conditions of PostgreSQL by their SQLSTATE (its manual, appendix A).
_OUT_OF_RANGE = "22003"
_TOO_LONG = "54000"  # of an index entry, some 2,700 bytes that cannot be compressed
_WAITED = ("55P03", "40P01", "40001")  # lock timeout, deadlock, serialization
_NOT_ALLOWED = ("42501", "25006", "3F000")  # privilege, read-only server, no schema to create in
_ENDED = ("25P03", "25P04")  # by the server: a transaction that stood still, or took too long


@contextmanager
def catalog_errors(url: str) -> Generator[None]:
    """Translate what the database of this URL raises; a mistake in a statement stays as it is.

    Raises InvalidInputError NUMBER_OUT_OF_RANGE, INVALID_TEXT, TEXT_TOO_LONG, NUMBER_NOT_FINITE or
    CATALOG_URL_INVALID, UnavailableError CATALOG_BUSY or CATALOG_UNREACHABLE.
    """
    try:
        yield
    except OverflowError as error:  # SQLite: a caller's number that no column can hold
        raise _out_of_range(error) from error
    except NoConnectionError as error:
        raise _busy(url) from error
    except StatementError as error:
        translated = _translate(error, url)
        if translated is None:
            raise
        raise translated from error


def _translate(error: StatementError, url: str) -> PoolscoreError | None:
    cause = error.orig
    if isinstance(cause, PoolscoreError):  # a column has refused its value
        return cause
    said, state = " ".join(str(cause).split()), getattr(cause, "sqlstate", None)
    if state == _OUT_OF_RANGE:
        return _out_of_range(said)
    if state == _TOO_LONG:
        return InvalidInputError(
            "a name or a request id in the request is too long; use at most 1,000 bytes",
            reason="TEXT_TOO_LONG",
        )
    if state in _WAITED or (isinstance(error, OperationalError) and "locked" in said):
        return _busy(url)
    if "invalid connection option" in said:
        return invalid_url(display_url(url), said)
    if isinstance(error, OperationalError) or state in (*_NOT_ALLOWED, *_ENDED):
        return UnavailableError(
            f"the catalog {display_url(url)} cannot be used: {said}; check that the place exists "
            "and can be written, or name another one in POOLSCORE_CATALOG",
            reason="CATALOG_UNREACHABLE",
        )
    return None


def _out_of_range(why: object) -> InvalidInputError:
    return InvalidInputError(
        f"a number in the request is out of range: {why}", reason="NUMBER_OUT_OF_RANGE"
    )


def _busy(url: str) -> UnavailableError:
    return UnavailableError(
        f"the catalog {display_url(url)} was locked for {BUSY_TIMEOUT_S:.0f} s by another "
        "process; try again",
        reason="CATALOG_BUSY",
    )
