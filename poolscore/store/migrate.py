"""Brings a catalog's schema to the newest revision, or back."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from poolscore.errors import FailedPreconditionError
from poolscore.store.catalog import Catalog

SCRIPTS = Path(__file__).parent / "migrations"


def upgrade(catalog: Catalog, revision: str = "head") -> None:
    """Upgrade inside one write transaction; processes that come meanwhile wait and find it done.

    Raises FailedPreconditionError CATALOG_TOO_NEW when the schema is of a newer poolscore.
    """
    with catalog.read() as connection:
        if revision == "head" and _current(connection) == _head():
            return
    with catalog.write() as connection:
        try:
            command.upgrade(_config(connection), revision)
        except CommandError as error:
            raise FailedPreconditionError(
                f"the catalog's schema {_current(connection)} is newer than this poolscore knows "
                f"({_head()}); upgrade poolscore",
                reason="CATALOG_TOO_NEW",
            ) from error


def downgrade(catalog: Catalog, revision: str = "base") -> None:
    """Go back to an older schema; what only the newer one can hold is lost."""
    with catalog.write() as connection:
        command.downgrade(_config(connection), revision)


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _head() -> str | None:
    return ScriptDirectory(str(SCRIPTS)).get_current_head()
