"""SQLite as the catalog's database."""

import fcntl
import os
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event

from poolscore.user_files import file_errors


def make_engine(url: URL, timeout_s: float, **options: Any) -> Engine:
    """Engine for reading, with a patient busy handler.

    `synchronous=FULL` because an acknowledged label must survive a power cut, not only a crash.
    """
    engine = create_engine(url, connect_args={"timeout": timeout_s}, **options)
    event.listen(engine, "connect", _configure)
    return engine


def begin(connection: Connection, *, write: bool) -> None:
    """Begin the database's part of a transaction; one that writes takes the write lock at once.

    A transaction that reads first and locks later fails in SQLite when another process wrote in
    between, and no waiting can help it.
    """
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def create_file(engine: Engine) -> None:
    """Create the file of an SQLite engine, with write-ahead logging, and its folder.

    A file keeps its kind of log for good. Processes that switch it at once fail with "locked"
    whatever their patience, so one does at a time. Raises InvalidInputError CATALOG_URL_INVALID.
    """
    database = engine.url.database
    if not database:
        return
    folder = Path(database).parent
    advice = "the catalog needs a folder: name another in POOLSCORE_HOME or POOLSCORE_CATALOG"
    with file_errors(folder, advice, "CATALOG_URL_INVALID"):
        folder.mkdir(parents=True, exist_ok=True)
        held = os.open(folder, os.O_RDONLY)
    try:
        with file_errors(folder, advice, "CATALOG_URL_INVALID"):
            fcntl.flock(held, fcntl.LOCK_EX)
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")
    finally:
        os.close(held)


def _configure(connection: sqlite3.Connection, record: Any) -> None:
    del record
    # The driver would begin transactions by itself, and too late; `begin` does it.
    connection.isolation_level = None
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
