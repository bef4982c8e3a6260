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
from poolscore.store.engine import lock_schema

SCRIPTS = Path(__file__).parent / "migrations"


def upgrade(catalog: Catalog, revision: str = "head") -> None:
    """Upgrade inside one write transaction; processes that come meanwhile wait and find it done.

    Raises FailedPreconditionError CATALOG_TOO_NEW when the schema is of a newer poolscore.
    """
    if revision == "head" and is_newest(catalog):
        return
    with catalog.write() as connection:
        lock_schema(connection)
        try:
            command.upgrade(_config(connection), revision)
        except CommandError as error:
            raise FailedPreconditionError(
                f"the catalog's schema {_current(connection)} is newer than this poolscore knows "
                f"({newest_revision()}); upgrade poolscore",
                reason="CATALOG_TOO_NEW",
            ) from error


def downgrade(catalog: Catalog, revision: str = "base") -> None:
    """Go back to an older schema; what only the newer one can hold is lost."""
    with catalog.write() as connection:
        lock_schema(connection)
        command.downgrade(_config(connection), revision)


def is_newest(catalog: Catalog) -> bool:
    """Whether the catalog has the newest schema."""
    with catalog.read() as connection:
        return _current(connection) == newest_revision()


def newest_revision() -> str:
    """The schema that this version of poolscore works with."""
    head = ScriptDirectory(str(SCRIPTS)).get_current_head()
    assert head is not None
    return head


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
