import shutil
import tempfile
from collections.abc import Callable, Generator
from itertools import count
from pathlib import Path

import grpc
import pytest

from poolscore.client import Client
from tests.integration.services.running import Running, launch, started, stop
from tests.seeding import seed_pool

_numbers = count()


@pytest.fixture(scope="session")
def service() -> Generator[Running]:
    """One service for all tests; each test uses pools of its own."""
    home = Path(tempfile.mkdtemp(prefix="poolscore-"))
    process = launch(home, "127.0.0.1:0")
    try:
        yield started(process, home)
        code, output = stop(process)
        assert code == 0, output
        assert "Traceback" not in output
        assert "stopped" in output
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(home, ignore_errors=True)


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
