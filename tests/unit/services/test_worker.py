import threading
from collections.abc import Callable, Generator

import pytest

from poolscore.store import run_queue, runs
from poolscore.store.records import Run, RunKind, RunState
from services.api.backend import Backend
from services.worker import Worker
from tests.seeding import seed_pool

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def start_worker(backend: Backend, store_uri: str) -> Generator[Callable[..., Worker]]:
    workers: list[Worker] = []

    def start(kind: RunKind) -> Worker:
        workers.append(Worker("worker", [kind], backend.catalog.url, store_uri))
        return workers[-1]

    yield start
    for worker in workers:
        worker.close()


def ended(backend: Backend, run: Run) -> Run:
    while True:
        stored = runs.get_run(backend.catalog, run.pool_id, run.number)
        if stored.state.ended:
            return stored
        threading.Event().wait(0.05)


def test_a_failing_run_has_one_message_and_the_worker_takes_the_next(
    backend: Backend, store_uri: str, start_worker: Callable[..., Worker]
) -> None:
    seed_pool(backend.catalog, store_uri, "p")
    worker = start_worker(RunKind.RESCORE)
    for _ in range(2):
        run = runs.start_run(backend.catalog, "p", RunKind.RESCORE, {})
        worker.wake()
        run = ended(backend, run)
        # Seeded prompts have no artefact.
        assert run.state is RunState.FAILED
        assert "missing or damaged" in run.error
        assert store_uri not in run.error
        assert "\n" not in run.error


def test_an_unexpected_error_names_an_incident(
    backend: Backend, store_uri: str, start_worker: Callable[..., Worker]
) -> None:
    seed_pool(backend.catalog, store_uri, "p")
    # A run that another program has queued without a source.
    run = runs.start_run(backend.catalog, "p", RunKind.EMBED, {})
    start_worker(RunKind.EMBED)
    run = ended(backend, run)
    assert run.state is RunState.FAILED
    assert "incident" in run.error


def test_kinds_of_other_workers_are_left_alone(
    backend: Backend, store_uri: str, start_worker: Callable[..., Worker]
) -> None:
    seed_pool(backend.catalog, store_uri, "p")
    other = runs.start_run(backend.catalog, "p", RunKind.TRAIN, {})
    mine = runs.start_run(backend.catalog, "p", RunKind.RESCORE, {})
    start_worker(RunKind.RESCORE)
    ended(backend, mine)
    assert runs.get_run(backend.catalog, "p", other.number).state is RunState.PENDING


def test_the_run_of_its_own_dead_process_is_taken_at_once(
    backend: Backend, store_uri: str, start_worker: Callable[..., Worker]
) -> None:
    seed_pool(backend.catalog, store_uri, "p")
    run = run_queue.begin_run(backend.catalog, "p", RunKind.RESCORE, {}, "worker")
    start_worker(RunKind.RESCORE)
    assert ended(backend, run).attempts == 2


def test_a_cancelled_run_of_a_dead_process_ends_as_cancelled(
    backend: Backend, store_uri: str, start_worker: Callable[..., Worker]
) -> None:
    seed_pool(backend.catalog, store_uri, "p")
    run = run_queue.begin_run(backend.catalog, "p", RunKind.RESCORE, {}, "worker")
    runs.cancel_run(backend.catalog, "p", run.number)
    start_worker(RunKind.RESCORE)
    assert ended(backend, run).state is RunState.CANCELLED
