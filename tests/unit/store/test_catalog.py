import pickle
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from poolscore.errors import InvalidInputError, UnavailableError
from poolscore.store import sql
from poolscore.store.catalog import Catalog
from poolscore.store.pools import get_pool, list_pools
from poolscore.store.runs import get_run
from tests.databases import Databases
from tests.store_world import POOL, add_pool


def test_it_opens_again(databases: Databases) -> None:
    url = databases.new()
    first, second = Catalog.open(url), Catalog.open(url)
    add_pool(first)
    assert get_pool(second, POOL).pool_id == POOL
    first.close()
    second.close()
    databases.drop(url)


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


def test_writes_to_one_pool_come_one_by_one(catalog: Catalog) -> None:
    """The second reads, once it holds the pool, what the first has committed meanwhile."""
    add_pool(catalog)
    began = threading.Event()

    def follow() -> str:
        began.set()
        with Catalog(catalog.url).write() as connection:
            return sql.lock_pool(connection, POOL).display_name

    with ThreadPoolExecutor(1) as thread:
        with catalog.write() as connection:
            sql.lock_pool(connection, POOL)
            follower = thread.submit(follow)
            began.wait()
            connection.execute(text("UPDATE pools SET display_name = 'first'"))
        assert follower.result(timeout=30) == "first"


def test_a_number_that_no_column_holds_is_the_callers_mistake(catalog: Catalog) -> None:
    add_pool(catalog)
    with pytest.raises(InvalidInputError, match="out of range") as caught:
        get_run(catalog, POOL, 2**64)
    assert caught.value.reason == "NUMBER_OUT_OF_RANGE"


def test_many_threads_share_the_connections(catalog: Catalog) -> None:
    add_pool(catalog)
    with ThreadPoolExecutor(32) as threads:
        pools = list(threads.map(lambda _: get_pool(catalog, POOL).pool_id, range(200)))
    assert pools == [POOL] * 200


def test_a_place_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "catalog.db").mkdir()
    with pytest.raises(UnavailableError, match=r"catalog\.db cannot be used") as caught:
        Catalog.open(f"sqlite:///{tmp_path}/catalog.db")
    assert caught.value.reason == "CATALOG_UNREACHABLE"


def test_a_server_that_does_not_answer_is_named_without_its_password() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(UnavailableError, match=f"{address}/name cannot be used") as caught:
            Catalog.open(f"postgresql://user:secret@{address}/name")
    assert caught.value.reason == "CATALOG_UNREACHABLE"
    assert "secret" not in caught.value.message


def test_a_database_that_is_not_there_is_named(postgres: str) -> None:
    with pytest.raises(UnavailableError, match='database "nowhere" does not exist') as caught:
        Catalog.open(postgres.replace("/postgres?", "/nowhere?"))
    assert caught.value.reason == "CATALOG_UNREACHABLE"


def test_an_option_that_the_driver_does_not_have_is_named(postgres: str) -> None:
    with pytest.raises(InvalidInputError, match="nonsense") as caught:
        Catalog.open(f"{postgres}&nonsense=1")
    assert caught.value.reason == "CATALOG_URL_INVALID"
