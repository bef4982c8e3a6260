from collections.abc import Generator
from pathlib import Path
from time import time

import pytest

from poolscore.client import Client
from tests.integration.services.running import launch, started, stop
from tests.ops.monitoring.prometheus import Prometheus, running_prometheus
from tests.ops.monitoring.work import work

_TRAINING = '{"min_steps": 20, "max_steps": 20, "held_out_share": 0.5, "held_out_least": 2}'


class Watched:
    """A service on which people have worked, and the Prometheus that has watched it."""

    def __init__(self, prometheus: Prometheus) -> None:
        self._prometheus, self._since = prometheus, time()

    def has_data(self, expression: str) -> bool:
        """Whether the expression gave any number since the watching began."""
        return self._prometheus.has_data(expression, self._since, time())


@pytest.fixture(scope="session")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Generator[Watched]:
    """One for all tests."""
    home: Path = tmp_path_factory.mktemp("watched")
    catalog_url = f"sqlite:///{home}/catalog.db"
    process = launch(
        home, "127.0.0.1:0", catalog_url, POOLSCORE_TRAINING=_TRAINING, POOLSCORE_CALL_RATE="50"
    )
    try:
        service = started(process, home, catalog_url)
        pages = {
            "poolscore-pools": service.pool_metrics,
            "poolscore-processes": service.process_metrics,
        }
        with running_prometheus(home, pages) as prometheus:
            watched = Watched(prometheus)
            with Client(service.address) as client:
                work(client, service.address, home / "images")
            yield watched
        service.catalog.close()
        code, output = stop(process)
        assert code == 0, output
    finally:
        process.kill()
        process.wait()
