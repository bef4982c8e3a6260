from pathlib import Path

from sqlalchemy import text

from poolscore.store.catalog import Catalog
from poolscore.store.pools import get_pool
from tests.store_world import POOL, add_pool, open_catalog


def test_a_catalog_logs_ahead_and_syncs_every_commit(tmp_path: Path) -> None:
    with open_catalog(tmp_path).read() as connection:
        assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
        assert connection.scalar(text("PRAGMA synchronous")) == 2  # FULL
        assert connection.scalar(text("PRAGMA busy_timeout")) == 30_000
        assert connection.scalar(text("PRAGMA foreign_keys")) == 1


def test_it_creates_the_folder(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a/b/catalog.db"
    add_pool(Catalog.open(url))
    assert get_pool(Catalog.open(url), POOL).pool_id == POOL
