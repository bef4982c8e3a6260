import hashlib
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

from poolscore.errors import InvalidInputError, UnavailableError
from poolscore.store import postgresql, sql
from poolscore.store.catalog import Catalog
from poolscore.store.engine import make_engine, reader, writer
from poolscore.store.pools import get_pool
from poolscore.store.records import RunKind
from poolscore.store.run_queue import claim_run
from poolscore.store.runs import start_run
from tests.databases import PostgresDatabases
from tests.store_world import POOL, add_pool


@pytest.fixture
def url(postgres: str) -> Generator[str]:
    made = PostgresDatabases(postgres)
    url = made.new()
    yield url
    made.drop(url)


def setting(connection: Connection, name: str) -> object:
    return connection.scalar(text(f"SHOW {name}"))


def test_reads_are_of_one_moment_and_writes_are_durable(url: str) -> None:
    catalog = Catalog(url)
    with catalog.read() as connection:
        assert setting(connection, "transaction_isolation") == "repeatable read"
        assert setting(connection, "transaction_read_only") == "on"
    with catalog.write() as connection:
        assert setting(connection, "transaction_isolation") == "read committed"
        assert setting(connection, "transaction_read_only") == "off"
        assert setting(connection, "synchronous_commit") == "on"
        assert setting(connection, "lock_timeout") == "30s"
        assert setting(connection, "idle_in_transaction_session_timeout") == "1min"


def test_the_url_goes_before_the_defaults(url: str) -> None:
    with Catalog(f"{url}&application_name=mine").read() as connection:
        assert setting(connection, "application_name") == "mine"


def test_connections_that_died_are_replaced(url: str) -> None:
    catalog = Catalog.open(url)
    add_pool(catalog)
    with Catalog(url).write() as connection:
        ended = connection.scalar(
            text(
                "SELECT bool_and(pg_terminate_backend(pid, 30000)) FROM pg_stat_activity WHERE "
                "datname = current_database() AND application_name = 'poolscore' AND "
                "pid != pg_backend_pid()"
            )
        )
    assert ended
    assert get_pool(catalog, POOL).pool_id == POOL


def test_a_connection_that_dies_in_use_is_one_error(url: str) -> None:
    catalog = Catalog.open(url)
    with (
        pytest.raises(UnavailableError, match="terminating connection") as caught,
        catalog.write() as connection,
    ):
        connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    assert caught.value.reason == "CATALOG_UNREACHABLE"


def is_connected(catalog: Catalog, process: object) -> bool:
    with catalog.read() as connection:
        here = text("SELECT count(*) FROM pg_stat_activity WHERE pid = :process")
        return bool(connection.scalar(here, {"process": process}))


def stand_still(catalog: Catalog, other: Catalog) -> None:
    with catalog.write() as connection:
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = '50ms'"))
        mine = connection.scalar(text("SELECT pg_backend_pid()"))
        while is_connected(other, mine):
            pass
        connection.execute(text("SELECT 1"))


def test_a_transaction_that_stood_still_is_one_error(url: str) -> None:
    catalog, other = Catalog.open(url), Catalog(url)
    with pytest.raises(UnavailableError, match="idle") as caught:
        stand_still(catalog, other)
    assert caught.value.reason == "CATALOG_UNREACHABLE"


def lock_impatiently(catalog: Catalog) -> None:
    with catalog.write() as connection:
        connection.execute(text("SET LOCAL lock_timeout = '50ms'"))
        sql.lock_pool(connection, POOL)


def test_a_pool_that_stays_locked_is_one_error(url: str) -> None:
    catalog = Catalog.open(url)
    add_pool(catalog)
    with catalog.write() as holder:
        sql.lock_pool(holder, POOL)
        with pytest.raises(UnavailableError, match="was locked") as caught:
            lock_impatiently(catalog)
    assert caught.value.reason == "CATALOG_BUSY"
    assert get_pool(catalog, POOL).pool_id == POOL


def test_two_that_wait_for_each_other_are_one_error(url: str) -> None:
    catalog, meet = Catalog.open(url), Barrier(2)
    for name in ("a", "b"):
        add_pool(catalog, name)

    def lock(first: str, second: str) -> str:
        try:
            with catalog.write() as connection:
                connection.execute(text("SET LOCAL deadlock_timeout = '50ms'"))
                sql.lock_pool(connection, first)
                meet.wait(timeout=30)
                sql.lock_pool(connection, second)
        except UnavailableError as error:
            return error.reason
        return ""

    with ThreadPoolExecutor(2) as threads:
        reasons = list(threads.map(lock, "ab", "ba"))
    assert sorted(reasons) == ["", "CATALOG_BUSY"]


def test_a_process_has_a_bounded_number_of_connections(url: str) -> None:
    engine = make_engine(url)
    held = [engine.connect() for _ in range(postgresql.CONNECTIONS)]
    assert engine.pool.status().count("Overflow: 5") == 1
    for connection in held:
        connection.close()
    engine.dispose()


def test_a_name_that_no_index_can_hold_is_the_callers_mistake(url: str) -> None:
    catalog = Catalog.open(url)
    add_pool(catalog)
    long = "".join(hashlib.sha256(bytes([n])).hexdigest() for n in range(200))
    with pytest.raises(InvalidInputError) as caught:
        start_run(catalog, POOL, RunKind.TRAIN, {}, long)
    assert caught.value.reason == "TEXT_TOO_LONG"


def test_a_mistake_in_a_statement_is_no_outage(url: str) -> None:
    with pytest.raises(ProgrammingError), Catalog(url).read() as connection:
        connection.execute(text("SELECT nothing"))


def test_reader_and_writer_share_their_connections(url: str) -> None:
    engine = make_engine(url)
    for each in (reader(engine), writer(engine)) * 3:
        with each.begin() as connection:
            connection.execute(text("SELECT 1"))
    with reader(engine).begin() as connection:
        users = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        assert connection.scalar(text(users)) == 1
    engine.dispose()


def test_a_user_who_may_not_create_tables_is_told(url: str) -> None:
    with Catalog(url).write() as connection:
        connection.execute(text("CREATE ROLE reader LOGIN"))
    try:
        with pytest.raises(UnavailableError, match="permission denied for schema public") as caught:
            Catalog.open(url.replace("postgres:@", "reader@"))
        assert caught.value.reason == "CATALOG_UNREACHABLE"
    finally:
        with Catalog(url).write() as connection:
            connection.execute(text("DROP ROLE reader"))


def test_a_run_of_a_pool_that_somebody_works_in_is_passed_over(url: str) -> None:
    catalog = Catalog.open(url)
    for name in ("a", "b"):
        add_pool(catalog, name)
        start_run(catalog, name, RunKind.TRAIN, {})
    with catalog.write() as connection:
        sql.lock_pool(connection, "a")
        run = claim_run(catalog, [RunKind.TRAIN], "w")
    assert run is not None
    assert run.pool_id == "b"
    run = claim_run(catalog, [RunKind.TRAIN], "v")
    assert run is not None
    assert run.pool_id == "a"
