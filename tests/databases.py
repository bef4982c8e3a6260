"""Databases for catalogs, of either kind: made empty or as a copy, and dropped."""

import shutil
import uuid
from abc import ABC, abstractmethod
from itertools import count
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import sql
from sqlalchemy import make_url


class Databases(ABC):
    """Makes databases of one kind; a database is its URL."""

    @abstractmethod
    def new(self) -> str:
        """An empty one, without a schema."""

    @abstractmethod
    def copy(self, url: str) -> str:
        """A copy of one that nobody has open."""

    @abstractmethod
    def drop(self, url: str) -> None:
        """Remove one, whoever has it open."""


class SqliteFiles(Databases):
    """Files in folders of their own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count()

    def new(self) -> str:
        folder = self._folder / str(next(self._numbers))
        folder.mkdir()
        return f"sqlite:///{folder}/catalog.db"

    def copy(self, url: str) -> str:
        made = self.new()
        shutil.copytree(self._place(url), self._place(made), dirs_exist_ok=True)
        return made

    def drop(self, url: str) -> None:
        shutil.rmtree(self._place(url))

    def _place(self, url: str) -> Path:
        return Path(str(make_url(url).database)).parent


class PostgresDatabases(Databases):
    """Databases of one PostgreSQL server."""

    def __init__(self, server: str) -> None:
        self._server = make_url(server)

    def new(self) -> str:
        return self._create("template0")

    def copy(self, url: str) -> str:
        return self._create(str(make_url(url).database))

    def drop(self, url: str) -> None:
        self._run("DROP DATABASE {} WITH (FORCE)", str(make_url(url).database))

    def _create(self, template: str) -> str:
        name = f"test_{uuid.uuid4().hex}"
        self._run("CREATE DATABASE {} TEMPLATE {}", name, template)
        return self._server.set(database=name).render_as_string(hide_password=False)

    def _run(self, command: LiteralString, *names: str) -> None:
        url = self._server.render_as_string(hide_password=False)
        statement = sql.SQL(command).format(*map(sql.Identifier, names))
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement)
