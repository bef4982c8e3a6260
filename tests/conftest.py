from collections.abc import Generator
from pathlib import Path

import pytest

from poolscore.store.catalog import Catalog
from tests.databases import Databases, PostgresDatabases, SqliteFiles
from tests.postgres_server import postgres_server


@pytest.fixture(scope="session")
def postgres() -> Generator[str]:
    """URL of a PostgreSQL server."""
    with postgres_server() as url:
        yield url


# Of the session, so that what uses both kinds comes kind by kind and not test by test.
@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def databases(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Databases:
    """What is tested with it is tested on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        folder: Path = tmp_path_factory.mktemp("databases")
        return SqliteFiles(folder)
    return PostgresDatabases(request.getfixturevalue("postgres"))


@pytest.fixture(scope="session")
def migrated(databases: Databases) -> str:
    """An empty catalog; copying it is quicker than migrating for every test."""
    url = databases.new()
    Catalog.open(url).close()
    return url


@pytest.fixture
def catalog(databases: Databases, migrated: str) -> Generator[Catalog]:
    """An empty catalog of this test."""
    catalog = Catalog.open(databases.copy(migrated))
    yield catalog
    catalog.close()
    databases.drop(catalog.url)
