import pickle
import threading
from pathlib import Path

import pytest

from pipelines.heartbeat import Heartbeat
from poolscore.store import run_queue, runs
from poolscore.store.catalog import Catalog
from poolscore.store.records import Run, RunKind, RunProgress
from tests.shards_world import open_world


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return open_world(tmp_path)[0]


@pytest.fixture
def run(catalog: Catalog) -> Run:
    return run_queue.begin_run(catalog, "p", RunKind.TRAIN, {}, "me")


def wait_for(catalog: Catalog, run: Run, sequence: int) -> Run:
    """Wait for a change of the run; the test's own timeout ends a wait in vain."""
    while True:
        stored = runs.get_run(catalog, run.pool_id, run.number)
        if stored.sequence >= sequence:
            return stored
        threading.Event().wait(0.05)


def test_progress_is_written_while_the_job_runs(catalog: Catalog, run: Run) -> None:
    with Heartbeat(catalog, run, "me") as heartbeat:
        heartbeat.report(RunProgress(total=4, done=1))
        stored = wait_for(catalog, run, run.sequence + 1)
    assert (stored.progress.total, stored.progress.done) == (4, 1)
    assert not heartbeat.should_stop()


def test_a_beating_run_is_not_stale(catalog: Catalog, run: Run) -> None:
    with Heartbeat(catalog, run, "me") as heartbeat:
        heartbeat.report(RunProgress(done=1))
        wait_for(catalog, run, run.sequence + 1)
        assert run_queue.claim_run(catalog, [RunKind.TRAIN], "you", 2.0) is None


@pytest.mark.timeout(30)
def test_cancellation_reaches_the_job(catalog: Catalog, run: Run) -> None:
    with Heartbeat(catalog, run, "me") as heartbeat:
        runs.cancel_run(catalog, "p", run.number)
        while not heartbeat.should_stop():
            threading.Event().wait(0.05)


@pytest.mark.timeout(30)
def test_a_lost_run_stops_the_job(catalog: Catalog, run: Run) -> None:
    taken = run_queue.claim_run(catalog, [RunKind.TRAIN], "you", 0.0)
    assert taken is not None
    with Heartbeat(catalog, run, "me") as heartbeat:
        while not heartbeat.should_stop():
            threading.Event().wait(0.05)
    assert runs.get_run(catalog, "p", run.number).owner == "you"


def test_the_flag_travels_with_what_ray_data_pickles(catalog: Catalog, run: Run) -> None:
    flag = Heartbeat(catalog, run, "me").should_stop
    flag.ask()
    assert pickle.loads(pickle.dumps(flag))()
