import pickle
import threading

import pytest

from poolscore.store import run_queue, runs
from poolscore.store.records import Run, RunKind, RunProgress
from services.api.backend import Backend
from services.heartbeat import Heartbeat
from tests.seeding import seed_pool


@pytest.fixture
def run(backend: Backend, store_uri: str) -> Run:
    seed_pool(backend.catalog, store_uri, "p")
    return runs.start_run(backend.catalog, "p", RunKind.TRAIN, {}, owner="me")


def wait_for(backend: Backend, run: Run, sequence: int) -> Run:
    """Wait for a change of the run; the test's own timeout ends a wait in vain."""
    while True:
        stored = runs.get_run(backend.catalog, run.pool_id, run.number)
        if stored.sequence >= sequence:
            return stored
        threading.Event().wait(0.05)


def test_progress_is_written_while_the_job_runs(backend: Backend, run: Run) -> None:
    with Heartbeat(backend.catalog, run, "me") as heartbeat:
        heartbeat.report(RunProgress(total=4, done=1))
        stored = wait_for(backend, run, run.sequence + 1)
    assert (stored.progress.total, stored.progress.done) == (4, 1)
    assert not heartbeat.should_stop()


def test_a_beating_run_is_not_stale(backend: Backend, run: Run) -> None:
    with Heartbeat(backend.catalog, run, "me") as heartbeat:
        heartbeat.report(RunProgress(done=1))
        wait_for(backend, run, run.sequence + 1)
        assert run_queue.claim_run(backend.catalog, [RunKind.TRAIN], "you", 2.0) is None


@pytest.mark.timeout(30)
def test_cancellation_reaches_the_job(backend: Backend, run: Run) -> None:
    with Heartbeat(backend.catalog, run, "me") as heartbeat:
        runs.cancel_run(backend.catalog, "p", run.number)
        while not heartbeat.should_stop():
            threading.Event().wait(0.05)


@pytest.mark.timeout(30)
def test_a_lost_run_stops_the_job(backend: Backend, run: Run) -> None:
    taken = run_queue.claim_run(backend.catalog, [RunKind.TRAIN], "you", 0.0)
    assert taken is not None
    with Heartbeat(backend.catalog, run, "me") as heartbeat:
        while not heartbeat.should_stop():
            threading.Event().wait(0.05)
    assert runs.get_run(backend.catalog, "p", run.number).owner == "you"


def test_the_flag_travels_with_what_ray_data_pickles(backend: Backend, run: Run) -> None:
    flag = Heartbeat(backend.catalog, run, "me").should_stop
    flag.ask()
    assert pickle.loads(pickle.dumps(flag))()
