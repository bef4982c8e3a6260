import pytest
from sqlalchemy import update

from poolscore.errors import AbortedError, FailedPreconditionError
from poolscore.store.catalog import Catalog
from poolscore.store.records import RunKind, RunProgress, RunState, StageSeconds
from poolscore.store.run_queue import claim_run, finish_run, heartbeat, reopen_run
from poolscore.store.runs import cancel_run, get_run, start_run
from poolscore.store.tables import runs
from tests.store_world import POOL, add_pool

BOTH = (RunKind.EMBED, RunKind.TRAIN)


@pytest.fixture(autouse=True)
def pool(catalog: Catalog) -> None:
    add_pool(catalog)


def forget(catalog: Catalog) -> None:
    """Let every worker's last heartbeat be long ago."""
    with catalog.write() as connection:
        connection.execute(update(runs).values(heartbeat_time=runs.c.create_time))


def test_the_oldest_run_of_the_kinds_is_claimed_first(catalog: Catalog) -> None:
    add_pool(catalog, "other")
    start_run(catalog, POOL, RunKind.TRAIN, {})
    start_run(catalog, "other", RunKind.EMBED, {"source": "a"})
    start_run(catalog, POOL, RunKind.EMBED, {"source": "b"})
    claimed = [claim_run(catalog, [RunKind.EMBED], f"w{i}", 60) for i in range(3)]
    assert [run and (run.pool_id, run.number) for run in claimed] == [("other", 1), (POOL, 2), None]
    train = claim_run(catalog, BOTH, "t", 60)
    assert train is not None
    assert (train.kind, train.state, train.owner) == (RunKind.TRAIN, RunState.RUNNING, "t")
    assert (train.attempts, train.sequence) == (1, 2)


def test_only_the_named_run_is_claimed(catalog: Catalog) -> None:
    start_run(catalog, POOL, RunKind.TRAIN, {})
    second = start_run(catalog, POOL, RunKind.TRAIN, {})
    claimed = claim_run(catalog, BOTH, "w", 60, run=second)
    assert claimed is not None
    assert claimed.number == 2
    assert claim_run(catalog, BOTH, "v", 60, run=second) is None


def test_a_live_worker_keeps_its_run_and_a_dead_one_loses_it(catalog: Catalog) -> None:
    run = start_run(catalog, POOL, RunKind.TRAIN, {}, owner="first")
    assert claim_run(catalog, BOTH, "second", 60) is None
    forget(catalog)
    taken = claim_run(catalog, BOTH, "second", 0)
    assert taken is not None
    assert (taken.number, taken.owner, taken.attempts) == (1, "second", 2)
    assert taken.start_time == run.start_time
    assert not heartbeat(catalog, run, "first")
    with pytest.raises(AbortedError) as caught:
        finish_run(catalog, run, "first", RunState.SUCCEEDED)
    assert caught.value.reason == "RUN_LOST"
    assert heartbeat(catalog, run, "second")


def test_a_restarted_worker_gets_its_own_run_back_at_once(catalog: Catalog) -> None:
    start_run(catalog, POOL, RunKind.TRAIN, {})
    assert claim_run(catalog, BOTH, "trainer", 3600) is not None
    again = claim_run(catalog, BOTH, "trainer", 3600)
    assert again is not None
    assert again.attempts == 2


def test_the_sequence_grows_only_with_a_change(catalog: Catalog) -> None:
    run = start_run(catalog, POOL, RunKind.EMBED, {}, owner="w")
    progress = RunProgress(100, 10, 5, {"EMPTY": 2}, 3.5, 30.0, "decoding")
    stages = [StageSeconds("list", 0.5)]
    assert heartbeat(catalog, run, "w")
    assert get_run(catalog, POOL, 1).sequence == 1
    assert heartbeat(catalog, run, "w", progress, stages)
    assert heartbeat(catalog, run, "w", progress, stages)
    stored = get_run(catalog, POOL, 1)
    assert (stored.progress, stored.stages, stored.sequence) == (progress, tuple(stages), 2)


def test_a_cancelled_run_stops_at_its_next_heartbeat(catalog: Catalog) -> None:
    run = start_run(catalog, POOL, RunKind.EMBED, {}, owner="w")
    cancel_run(catalog, POOL, 1)
    assert not heartbeat(catalog, run, "w", RunProgress(1, 1))
    ended = finish_run(catalog, run, "w", RunState.CANCELLED)
    assert ended.state is RunState.CANCELLED
    assert ended.progress == RunProgress()


def test_a_cancellation_outlives_the_worker(catalog: Catalog) -> None:
    start_run(catalog, POOL, RunKind.EMBED, {}, owner="w")
    cancel_run(catalog, POOL, 1)
    forget(catalog)
    assert claim_run(catalog, BOTH, "other", 0) is None
    assert get_run(catalog, POOL, 1).state is RunState.CANCELLED


def test_a_finished_run_says_what_it_made(catalog: Catalog) -> None:
    run = start_run(catalog, POOL, RunKind.EMBED, {}, owner="w")
    ended = finish_run(
        catalog,
        run,
        "w",
        RunState.SUCCEEDED,
        snapshot=1,
        prompt_version=0,
        ranking=3,
        progress=RunProgress(2, 2),
        stages=[StageSeconds("embed", 1.0)],
    )
    assert (ended.snapshot, ended.prompt_version, ended.ranking) == (1, 0, 3)
    assert ended.end_time is not None
    assert (ended.progress.done, ended.stages[0].stage, ended.sequence) == (2, "embed", 2)
    assert claim_run(catalog, BOTH, "w", 0) is None
    with pytest.raises(ValueError, match="does not end"):
        finish_run(catalog, run, "w", RunState.PENDING)


def test_a_failed_run_can_be_opened_again(catalog: Catalog) -> None:
    run = start_run(catalog, POOL, RunKind.EMBED, {}, owner="w")
    with pytest.raises(FailedPreconditionError) as caught:
        reopen_run(catalog, run)
    assert caught.value.reason == "RUN_NOT_REOPENABLE"
    failed = finish_run(catalog, run, "w", RunState.FAILED, "disk full")
    waiting = reopen_run(catalog, failed)
    assert (waiting.state, waiting.error, waiting.end_time) == (RunState.PENDING, "", None)
    cancelled = cancel_run(catalog, POOL, 1)
    running = reopen_run(catalog, cancelled, owner="v")
    assert (running.state, running.owner, running.attempts) == (RunState.RUNNING, "v", 2)
    assert not running.cancel_requested
