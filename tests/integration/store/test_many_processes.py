"""Several processes on one catalog."""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from poolscore.store.catalog import Catalog
from poolscore.store.change_pool import PoolChange, update_pool
from poolscore.store.label_events import effective_labels, list_label_events
from poolscore.store.pools import get_pool
from poolscore.store.records import RunKind, RunState
from poolscore.store.runs import start_run
from tests.databases import Databases
from tests.integration.store.workers import (
    all_runs,
    claim_all,
    create_same,
    lease_all,
    lease_and_label_all,
    lease_same,
    open_and_count,
    spend_all,
)
from tests.store_world import POOL, add_pool, item, seed_ranking

PROCESSES = 4


@pytest.fixture(scope="module")
def processes() -> Iterator[ProcessPoolExecutor]:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, mp_context=context) as pool:
        yield pool


def test_all_may_be_the_first_to_open(processes: ProcessPoolExecutor, databases: Databases) -> None:
    for _ in range(25):
        url = databases.new()
        assert list(processes.map(open_and_count, [url] * PROCESSES)) == [0] * PROCESSES
        databases.drop(url)


def test_one_of_all_registers_a_pool(
    processes: ProcessPoolExecutor, databases: Databases, migrated: str
) -> None:
    for _ in range(10):
        url = databases.copy(migrated)
        assert sum(processes.map(create_same, [url] * PROCESSES)) == 1
        databases.drop(url)


def test_no_item_is_leased_twice(
    processes: ProcessPoolExecutor, catalog: Catalog, tmp_path: Path
) -> None:
    seed_ranking(catalog, tmp_path, 600)
    jobs = [
        processes.submit(lease_all, catalog.url, tmp_path, f"ann-{n}", 5 + n)
        for n in range(PROCESSES)
    ]
    shares = [job.result(timeout=120) for job in jobs]
    leased = [name for share in shares for name in share]
    assert sorted(leased) == [item(row) for row in range(600)]
    assert get_pool(catalog, POOL).counts.leased == 600


def test_one_request_id_leases_once_for_all(
    processes: ProcessPoolExecutor, catalog: Catalog, tmp_path: Path
) -> None:
    seed_ranking(catalog, tmp_path, 100)
    everywhere = [catalog.url] * 12, [tmp_path] * 12, ["same"] * 12
    batches = list(processes.map(lease_same, *everywhere))
    assert batches == [[item(row) for row in range(5)]] * 12
    assert get_pool(catalog, POOL).counts.leased == 5


def test_no_answer_is_lost_or_doubled(
    processes: ProcessPoolExecutor, catalog: Catalog, tmp_path: Path
) -> None:
    """All lease, answer and give back at once, and send every request twice."""
    seed_ranking(catalog, tmp_path, 500)
    jobs = [
        processes.submit(lease_and_label_all, catalog.url, tmp_path, f"ann-{n}", 3 + n)
        for n in range(PROCESSES)
    ]
    answered = [each for job in jobs for each in job.result(timeout=240)]
    assert sorted(name for name, _ in answered) == [item(row) for row in range(500)]
    assert sorted(event or 0 for _, event in answered) == list(range(1, 501))
    stored, watermark = effective_labels(catalog, POOL)
    assert sorted((label.item_id, label.sequence) for label in stored) == sorted(answered)
    assert watermark == 500
    assert len(list_label_events(catalog, POOL, 1000)[0]) == 500
    counts = get_pool(catalog, POOL).counts
    assert (counts.answered, counts.leased) == (500, 0)


def test_every_run_is_done_once(processes: ProcessPoolExecutor, catalog: Catalog) -> None:
    """Workers that claim, keep alive and finish at once neither share a run nor wait for ever."""
    pools = [f"pool-{number}" for number in range(3)]
    for name in pools:
        add_pool(catalog, name)
        for _ in range(10):
            start_run(catalog, name, RunKind.TRAIN, {})
    jobs = [processes.submit(claim_all, catalog.url, f"worker-{n}") for n in range(PROCESSES)]
    done = [each for job in jobs for each in job.result(timeout=240)]
    assert sorted(done) == [(name, number) for name in pools for number in range(1, 11)]
    assert {(run.state, run.attempts) for run in all_runs(catalog)} == {(RunState.SUCCEEDED, 1)}


def test_processes_together_never_pass_the_budget(
    processes: ProcessPoolExecutor, catalog: Catalog, tmp_path: Path
) -> None:
    seed_ranking(catalog, tmp_path, 600)
    update_pool(catalog, POOL, PoolChange(budget=211))
    jobs = [
        processes.submit(spend_all, catalog.url, tmp_path, f"ann-{n}", 5 + n)
        for n in range(PROCESSES)
    ]
    assert sum(job.result(timeout=120) for job in jobs) == 211
    pool = get_pool(catalog, POOL)
    assert (pool.spent, pool.counts.answered, pool.counts.leased) == (211, 211, 0)
