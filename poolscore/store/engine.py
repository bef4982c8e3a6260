"""Database engines: what differs between SQLite and other databases is in this file only."""

import fcntl
import os
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from poolscore.errors import InvalidInputError
from poolscore.user_files import file_errors

BUSY_TIMEOUT_S = 30.0
_BEGIN = "poolscore_begin"


def make_engine(url: str) -> Engine:
    """Engine for reading; SQLite gets a patient busy handler.

    `synchronous=FULL` because an acknowledged label must survive a power cut, not only a crash.
    """
    if not is_sqlite(url):
        try:
            return create_engine(url, pool_pre_ping=True)
        except (NoSuchModuleError, ModuleNotFoundError) as error:
            raise _invalid(display_url(url), f"its driver is not here ({error})") from error
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_S})
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def writer(engine: Engine) -> Engine:
    """The same connections, but a transaction takes the write lock when it begins.

    A transaction that reads first and locks later fails in SQLite when another process wrote in
    between, and no waiting can help it.
    """
    return engine.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})


def is_sqlite(url: str) -> bool:
    """Whether the URL names an SQLite database."""
    return _parse(url).get_backend_name() == "sqlite"


def create_file(engine: Engine) -> None:
    """Create the file of an SQLite engine, with write-ahead logging, and its folder.

    A file keeps its kind of log for good. Processes that switch it at once fail with "locked"
    whatever their patience, so one does at a time. Raises InvalidInputError CATALOG_URL_INVALID.
    """
    database = engine.url.database
    if engine.dialect.name != "sqlite" or not database:
        return
    folder = Path(database).parent
    advice = "the catalog needs a folder: name another in POOLSCORE_HOME or POOLSCORE_CATALOG"
    with file_errors(folder, advice, "CATALOG_URL_INVALID"):
        folder.mkdir(parents=True, exist_ok=True)
        held = os.open(folder, os.O_RDONLY)
    try:
        with file_errors(folder, advice, "CATALOG_URL_INVALID"):
            fcntl.flock(held, fcntl.LOCK_EX)
        with engine.execution_options(**{_BEGIN: ""}).connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")
    finally:
        os.close(held)


def display_url(url: str) -> str:
    """The URL without its password, for messages."""
    return _parse(url).render_as_string(hide_password=True)


def _parse(url: str) -> URL:
    try:
        return make_url(url)
    except ArgumentError as error:
        raise _invalid(url, "it is no SQLAlchemy URL") from error


def _invalid(url: str, why: str) -> InvalidInputError:
    return InvalidInputError(
        f"POOLSCORE_CATALOG is '{url}': {why}; give a URL such as sqlite:////path/catalog.db",
        reason="CATALOG_URL_INVALID",
    )


def _configure_sqlite(connection: sqlite3.Connection, record: Any) -> None:
    del record
    # The driver would begin transactions by itself, and too late; _begin_sqlite does it.
    connection.isolation_level = None
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _begin_sqlite(connection: Connection) -> None:
    if begin := connection.get_execution_options().get(_BEGIN, "BEGIN"):
        connection.exec_driver_sql(begin)
