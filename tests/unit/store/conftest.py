import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from poolscore.store.catalog import Catalog
from poolscore.store.ranking_file import LoadedRanking
from tests.store_world import open_catalog, seed_ranking


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty catalog; copying it is quicker than migrating for every test."""
    folder = tmp_path_factory.mktemp("migrated")
    open_catalog(folder).close()
    return folder / "catalog.db"


@pytest.fixture
def catalog(tmp_path: Path, migrated: Path) -> Iterator[Catalog]:
    shutil.copy(migrated, tmp_path)
    catalog = open_catalog(tmp_path)
    yield catalog
    catalog.close()


@pytest.fixture
def ranking(catalog: Catalog, tmp_path: Path) -> LoadedRanking:
    return seed_ranking(catalog, tmp_path, 20)
