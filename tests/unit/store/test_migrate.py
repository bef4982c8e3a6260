from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

from poolscore.errors import FailedPreconditionError
from poolscore.store.catalog import Catalog
from poolscore.store.engine import make_engine
from poolscore.store.migrate import downgrade, upgrade
from poolscore.store.tables import metadata


def ddl(connection: Connection) -> list[str]:
    """Every table and index as SQLite keeps it, with the order of constraints left out."""
    found = connection.scalars(
        text(
            "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND tbl_name != 'alembic_version'"
        )
    )
    return sorted("\n".join(sorted(line.strip(" ,\t") for line in s.split("\n"))) for s in found)


def differences(connection: Connection) -> Sequence[Any]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return compare_metadata(context, metadata)


def test_the_newest_schema_is_that_of_the_tables(catalog: Catalog, tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path}/direct.db")
    metadata.create_all(engine)
    with catalog.read() as migrated, engine.begin() as direct:
        assert differences(migrated) == []
        assert ddl(migrated) == ddl(direct)


def test_downgrade_removes_everything_and_upgrade_brings_it_back(catalog: Catalog) -> None:
    downgrade(catalog)
    with catalog.read() as connection:
        assert inspect(connection).get_table_names() == ["alembic_version"]
    upgrade(catalog)
    with catalog.read() as connection:
        assert differences(connection) == []


def test_a_catalog_of_a_newer_version_is_refused(catalog: Catalog) -> None:
    with catalog.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'future'"))
    with pytest.raises(FailedPreconditionError, match="future is newer") as caught:
        Catalog.open(catalog.url)
    assert caught.value.reason == "CATALOG_TOO_NEW"
