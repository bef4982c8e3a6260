from pathlib import Path

import pytest

from poolscore.store.catalog import Catalog
from poolscore.store.ranking_file import LoadedRanking
from tests.store_world import seed_ranking


@pytest.fixture
def ranking(catalog: Catalog, tmp_path: Path) -> LoadedRanking:
    return seed_ranking(catalog, tmp_path, 20)
