from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

from poolscore.errors import FailedPreconditionError
from poolscore.store import runs
from poolscore.store.catalog import Catalog
from poolscore.store.engine import make_engine
from poolscore.store.migrate import downgrade, upgrade
from poolscore.store.records import RunKind
from poolscore.store.tables import metadata
from tests.store_world import POOL, add_pool


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


def test_embedding_runs_of_one_source_are_those_of_several(catalog: Catalog) -> None:
    add_pool(catalog)
    specs = {"a": {"sources": ["/photos"]}, "b": {"sources": ["s3://b/x"], "prune": True}}
    for request, spec in specs.items():
        run = runs.start_run(catalog, POOL, RunKind.EMBED, spec, request)
        runs.cancel_run(catalog, POOL, run.number)
    downgrade(catalog, "0001")
    with catalog.read() as connection:
        stored = connection.scalars(text("SELECT spec FROM runs ORDER BY number")).all()
    assert stored == ['{"source": "/photos"}', '{"source": "s3://b/x"}']
    upgrade(catalog)
    found = [runs.get_run(catalog, POOL, number).spec for number in (1, 2)]
    assert found == [{"sources": ["/photos"]}, {"sources": ["s3://b/x"]}]


def test_a_catalog_of_a_newer_version_is_refused(catalog: Catalog) -> None:
    with catalog.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'future'"))
    with pytest.raises(FailedPreconditionError, match="future is newer") as caught:
        Catalog.open(catalog.url)
    assert caught.value.reason == "CATALOG_TOO_NEW"
