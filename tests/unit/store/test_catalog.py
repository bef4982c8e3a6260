import pickle
from pathlib import Path

import pytest
from sqlalchemy import text

from poolscore.errors import InvalidInputError, UnavailableError
from poolscore.store.catalog import Catalog
from poolscore.store.pools import get_pool, list_pools
from poolscore.store.runs import get_run
from tests.store_world import POOL, add_pool


def test_an_sqlite_catalog_logs_ahead_and_syncs_every_commit(catalog: Catalog) -> None:
    with catalog.read() as connection:
        assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
        assert connection.scalar(text("PRAGMA synchronous")) == 2  # FULL
        assert connection.scalar(text("PRAGMA busy_timeout")) == 30_000
        assert connection.scalar(text("PRAGMA foreign_keys")) == 1


def test_it_creates_the_folder_and_opens_again(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a/b/catalog.db"
    add_pool(Catalog.open(url))
    assert get_pool(Catalog.open(url), POOL).pool_id == POOL


def test_it_pickles_as_its_url(catalog: Catalog) -> None:
    add_pool(catalog)
    copy = pickle.loads(pickle.dumps(catalog))
    assert get_pool(copy, POOL) == get_pool(catalog, POOL)


def write_half(catalog: Catalog) -> None:
    with catalog.write() as connection:
        connection.execute(text("UPDATE pools SET display_name = 'half'"))
        raise RuntimeError("power cut")


def test_a_failed_write_leaves_nothing(catalog: Catalog) -> None:
    add_pool(catalog)
    with pytest.raises(RuntimeError):
        write_half(catalog)
    assert get_pool(catalog, POOL).display_name == ""


def test_a_read_sees_one_moment(catalog: Catalog) -> None:
    count = text("SELECT count(*) FROM pools")
    with catalog.read() as connection:
        assert connection.scalar(count) == 0
        add_pool(catalog)
        assert connection.scalar(count) == 0
    assert len(list_pools(catalog)[0]) == 1


def test_a_place_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "catalog.db").mkdir()
    with pytest.raises(UnavailableError, match=r"catalog\.db cannot be used") as caught:
        Catalog.open(f"sqlite:///{tmp_path}/catalog.db")
    assert caught.value.reason == "CATALOG_UNREACHABLE"


def test_a_number_that_no_column_holds_is_the_callers_mistake(catalog: Catalog) -> None:
    add_pool(catalog)
    with pytest.raises(InvalidInputError, match="out of range"):
        get_run(catalog, POOL, 2**64)
