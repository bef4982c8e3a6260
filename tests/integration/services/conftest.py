import shutil
import tempfile
from collections.abc import Callable, Generator
from itertools import count
from pathlib import Path

import grpc
import pytest
from sqlalchemy import text

from poolscore.client import Client
from tests.databases import Databases
from tests.integration.services.running import Running, launch, started, stop
from tests.seeding import seed_pool

_numbers = count()


@pytest.fixture(scope="session")
def service(databases: Databases) -> Generator[Running]:
    """One service a kind of catalog for all tests; each test uses pools of its own.

    It has two replicas, so that whatever only one of them knows is found.
    """
    home = Path(tempfile.mkdtemp(prefix="poolscore-"))
    catalog_url = databases.new()
    process = launch(home, "127.0.0.1:0", catalog_url, POOLSCORE_API_REPLICAS="2")
    try:
        running = started(process, home, catalog_url)
        yield running
        running.catalog.close()
        code, output = stop(process)
        assert code == 0, output
        assert "Traceback" not in output
        assert "stopped" in output
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(home, ignore_errors=True)
        databases.drop(catalog_url)


@pytest.fixture
def client(service: Running) -> Generator[Client]:
    with Client(service.address) as client:
        yield client


@pytest.fixture
def channel(service: Running) -> Generator[grpc.Channel]:
    with grpc.insecure_channel(service.address) as channel:
        yield channel


@pytest.fixture
def new_pool(service: Running) -> Callable[..., str]:
    """Seed a pool of its own with a ranking; returns its id."""

    def make(items: int = 20, train_after_labels: int = 0) -> str:
        pool_id = f"seeded-{next(_numbers)}"
        seed_pool(
            service.catalog,
            service.store_uri,
            pool_id,
            items=items,
            train_after_labels=train_after_labels,
        )
        return pool_id

    return make


@pytest.fixture
def broken_pool(service: Running, new_pool: Callable[..., str]) -> Generator[str]:
    """A pool that no method can read, for a reason that its caller must not see."""
    pool = new_pool()
    broken = text("UPDATE pools SET classes = '5' WHERE pool_id = :pool")
    mended = text('UPDATE pools SET classes = \'["cat", "dog"]\' WHERE pool_id = :pool')
    with service.catalog.write() as connection:
        connection.execute(broken, {"pool": pool})
    yield pool
    with service.catalog.write() as connection:
        connection.execute(mended, {"pool": pool})
