"""Database engines: what differs between SQLite and PostgreSQL is behind these functions."""

import json
from typing import Any

from sqlalchemy import Connection, Engine

from poolscore.errors import InvalidInputError
from poolscore.store import postgresql, sqlite
from poolscore.store.catalog_url import POSTGRESQL, SQLITE, parse_url

BUSY_TIMEOUT_S = 30.0
"""How long a transaction waits for another one, or for a connection."""


def make_engine(url: str) -> Engine:
    """Engine of a catalog's database. Raises InvalidInputError CATALOG_URL_INVALID."""
    parsed = parse_url(url)
    make = sqlite.make_engine if parsed.get_backend_name() == SQLITE else postgresql.make_engine
    # Parameters stay out of the texts of errors: answers and names of annotators are in them.
    return make(parsed, BUSY_TIMEOUT_S, hide_parameters=True, json_serializer=_write_json)


def reader(engine: Engine) -> Engine:
    """The same connections; what a transaction reads is of the moment of its first statement."""
    return engine if engine.dialect.name == SQLITE else postgresql.reader(engine)


def writer(engine: Engine) -> Engine:
    """The same connections, for transactions that may write.

    SQLite: the transaction holds the database from its beginning. PostgreSQL: it holds what it
    locks, so it locks first (`sql.lock_pool`) and reads afterwards; each statement sees what was
    committed before it.
    """
    return engine if engine.dialect.name == SQLITE else postgresql.writer(engine)


def begin(connection: Connection, *, write: bool) -> None:
    """Begin the transaction in the database, where the driver does not do it."""
    if connection.dialect.name == SQLITE:
        sqlite.begin(connection, write=write)


def writers(engine: Engine) -> int:
    """How many transactions of one process can write at once."""
    return 1 if engine.dialect.name == SQLITE else postgresql.CONNECTIONS // 2


def create_database(engine: Engine) -> None:
    """Create the file of an SQLite engine; a PostgreSQL database is its administrator's to create.

    Raises InvalidInputError CATALOG_URL_INVALID.
    """
    if engine.dialect.name == SQLITE:
        sqlite.create_file(engine)


def lock_schema(connection: Connection) -> None:
    """Hold the schema until the write transaction ends: one process migrates at a time."""
    if connection.dialect.name == POSTGRESQL:
        postgresql.lock_schema(connection)


def lock_unpooled(connection: Connection) -> None:
    """Hold, until the write transaction ends, what belongs to no pool and so has none to hold."""
    if connection.dialect.name == POSTGRESQL:
        postgresql.lock_unpooled(connection)


def _write_json(value: Any) -> str:
    try:
        return json.dumps(value, allow_nan=False)
    except ValueError as error:  # PostgreSQL has no such JSON, and readers of SQLite's neither
        raise InvalidInputError(
            "a number to be stored is infinite or not a number", reason="NUMBER_NOT_FINITE"
        ) from error
