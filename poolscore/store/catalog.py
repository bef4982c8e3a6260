"""The catalog: one SQL database with pools, runs, rankings, leases and label events.

The functions beside this module (`pools`, `runs`, `leases`, ...) take a catalog first and run one
transaction each.
"""

import threading
from collections.abc import Generator
from contextlib import contextmanager, nullcontext

from sqlalchemy import Connection, select

from poolscore.errors import UnavailableError
from poolscore.store import engine as engines
from poolscore.store.catalog_errors import catalog_errors
from poolscore.store.catalog_url import is_sqlite
from poolscore.store.tables import pools

_SOMETHING = select(pools.c.pool_id).limit(1)


class Catalog:
    """A database that several threads and processes may use at once.

    Pickles by its URL, so that a Ray actor can be given one.
    """

    def __init__(self, url: str) -> None:
        """Point to a catalog that is already migrated; see `open`."""
        self.url = url
        self._engine = engines.make_engine(url)
        self._reader = engines.reader(self._engine)
        self._writer = engines.writer(self._engine)
        # SQLite waits for another writer by polling; threads of one process queue up fairly here.
        self._turn = threading.Lock() if is_sqlite(url) else nullcontext()
        self.writers = engines.writers(self._engine)
        """Transactions that can write at once."""

    @classmethod
    def open(cls, url: str) -> "Catalog":
        """Create SQLite's file if there is none, migrate to the newest schema, and open it.

        Safe when several processes do it at once. Raises InvalidInputError CATALOG_URL_INVALID,
        UnavailableError CATALOG_UNREACHABLE, or FailedPreconditionError CATALOG_TOO_NEW when a
        newer version of poolscore has written it.
        """
        from poolscore.store.migrate import upgrade  # alembic: slow to import, needed only here

        catalog = cls(url)
        with catalog_errors(url):
            engines.create_database(catalog._engine)
        upgrade(catalog)
        return catalog

    @contextmanager
    def read(self) -> Generator[Connection]:
        """One read transaction: everything read in it is of one moment."""
        with catalog_errors(self.url), self._reader.begin() as connection:
            engines.begin(connection, write=False)
            yield connection

    @contextmanager
    def write(self) -> Generator[Connection]:
        """One write transaction: committed and durable when the block ends, else rolled back.

        It must lock before it reads what it decides by (`sql.lock_pool`): in PostgreSQL others
        write at the same time.
        """
        with catalog_errors(self.url), self._turn, self._writer.begin() as connection:
            engines.begin(connection, write=True)
            yield connection

    def is_readable(self) -> bool:
        """Whether its database can be reached and read now."""
        try:
            with self.read() as connection:
                connection.execute(_SOMETHING)
        except UnavailableError:
            return False
        return True

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def __reduce__(self) -> tuple[type["Catalog"], tuple[str]]:
        """Travel to another process as the URL."""
        return Catalog, (self.url,)
