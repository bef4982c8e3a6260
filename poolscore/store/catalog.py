"""The catalog: one SQL database with pools, runs, rankings, leases and label events.

The functions beside this module (`pools`, `runs`, `leases`, ...) take a catalog first and run one
transaction each.
"""

import threading
from collections.abc import Generator
from contextlib import contextmanager, nullcontext

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from poolscore.errors import InvalidInputError, UnavailableError
from poolscore.store import engine as engines


class Catalog:
    """A database that several threads and processes may use at once.

    Pickles by its URL, so that a Ray actor can be given one.
    """

    def __init__(self, url: str) -> None:
        """Point to a catalog that is already migrated; see `open`."""
        self.url = url
        self._engine = engines.make_engine(url)
        self._writer = engines.writer(self._engine)
        # SQLite waits for another writer by polling; threads of one process queue up fairly here.
        self._turn = threading.Lock() if engines.is_sqlite(url) else nullcontext()

    @classmethod
    def open(cls, url: str) -> "Catalog":
        """Create the database if there is none, migrate it to the newest schema, and open it.

        Safe when several processes do it at once. Raises UnavailableError CATALOG_UNREACHABLE, or
        FailedPreconditionError CATALOG_TOO_NEW when a newer version of poolscore has written it.
        """
        from poolscore.store.migrate import upgrade  # alembic: slow to import, needed only here

        catalog = cls(url)
        with catalog._translated():
            engines.create_file(catalog._engine)
        upgrade(catalog)
        return catalog

    @contextmanager
    def read(self) -> Generator[Connection]:
        """One read transaction: everything read in it is of one moment."""
        with self._translated(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Generator[Connection]:
        """One write transaction: committed and durable when the block ends, else rolled back."""
        with self._translated(), self._turn, self._writer.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def __reduce__(self) -> tuple[type["Catalog"], tuple[str]]:
        """Travel to another process as the URL."""
        return Catalog, (self.url,)

    @contextmanager
    def _translated(self) -> Generator[None]:
        try:
            yield
        except OverflowError as error:  # a caller's number that no column can hold
            raise InvalidInputError(
                f"a number in the request is out of range: {error}", reason="NUMBER_OUT_OF_RANGE"
            ) from error
        except OperationalError as error:
            where = engines.display_url(self.url)
            if "locked" in str(error.orig):
                raise UnavailableError(
                    f"the catalog {where} was locked for {engines.BUSY_TIMEOUT_S:.0f} s by another "
                    "process; try again",
                    reason="CATALOG_BUSY",
                ) from error
            raise UnavailableError(
                f"the catalog {where} cannot be used: {error.orig}; check that the place exists "
                "and can be written, or name another one in POOLSCORE_CATALOG",
                reason="CATALOG_UNREACHABLE",
            ) from error
