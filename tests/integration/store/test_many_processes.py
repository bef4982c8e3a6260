"""Several processes on one SQLite catalog."""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from poolscore.store.pools import get_pool
from tests.integration.store.workers import lease_all, lease_same, open_and_count
from tests.store_world import POOL, item, open_catalog, seed_ranking

PROCESSES = 4


@pytest.fixture(scope="module")
def processes() -> Iterator[ProcessPoolExecutor]:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, mp_context=context) as pool:
        yield pool


def test_all_may_be_the_first_to_open(processes: ProcessPoolExecutor, tmp_path: Path) -> None:
    for attempt in range(25):
        folder = tmp_path / str(attempt)
        counts = list(processes.map(open_and_count, [folder] * PROCESSES))
        assert counts == [0] * PROCESSES


def test_no_item_is_leased_twice(processes: ProcessPoolExecutor, tmp_path: Path) -> None:
    catalog = open_catalog(tmp_path)
    seed_ranking(catalog, tmp_path, 600)
    jobs = [processes.submit(lease_all, tmp_path, f"ann-{n}", 5 + n) for n in range(PROCESSES)]
    shares = [job.result(timeout=120) for job in jobs]
    leased = [name for share in shares for name in share]
    assert sorted(leased) == [item(row) for row in range(600)]
    assert get_pool(catalog, POOL).counts.leased == 600


def test_one_request_id_leases_once_for_all(processes: ProcessPoolExecutor, tmp_path: Path) -> None:
    catalog = open_catalog(tmp_path)
    seed_ranking(catalog, tmp_path, 100)
    batches = list(processes.map(lease_same, [tmp_path] * 12, ["same"] * 12))
    assert batches == [[item(row) for row in range(5)]] * 12
    assert get_pool(catalog, POOL).counts.leased == 5
