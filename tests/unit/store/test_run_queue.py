from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import update

from poolscore.errors import AbortedError, FailedPreconditionError
from poolscore.store.catalog import Catalog
from poolscore.store.prompt_versions import add_prompt_version
from poolscore.store.records import RunKind, RunProgress, RunState, StageSeconds
from poolscore.store.run_queue import begin_run, claim_run, finish_run, heartbeat
from poolscore.store.runs import cancel_run, get_run, start_run
from poolscore.store.tables import runs
from tests.store_world import POOL, add_pool

BOTH = (RunKind.EMBED, RunKind.TRAIN)
SPEC = {"source": "/images"}


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


@pytest.mark.parametrize("kind", BOTH)
def test_a_pool_does_one_run_of_a_kind_at_a_time(catalog: Catalog, kind: RunKind) -> None:
    first, second = (start_run(catalog, POOL, kind, {"source": each}) for each in "ab")
    taken = claim_run(catalog, BOTH, "v", 60)
    assert taken is not None
    assert taken.number == first.number
    assert claim_run(catalog, BOTH, "w", 60) is None
    finish_run(catalog, taken, "v", RunState.SUCCEEDED)
    taken = claim_run(catalog, BOTH, "w", 60)
    assert taken is not None
    assert taken.number == second.number


def test_two_workers_never_share_a_pool(catalog: Catalog) -> None:
    for number in range(8):
        start_run(catalog, POOL, RunKind.EMBED, {"source": str(number)})
    with ThreadPoolExecutor(8) as workers:
        claims = workers.map(
            lambda name: claim_run(catalog, BOTH, name, 60), [f"w{i}" for i in range(8)]
        )
    assert [claim.number for claim in claims if claim is not None] == [1]


def test_a_live_worker_keeps_its_run_and_a_dead_one_loses_it(catalog: Catalog) -> None:
    run = begin_run(catalog, POOL, RunKind.TRAIN, {}, "first")
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
    run = begin_run(catalog, POOL, RunKind.EMBED, {}, "w")
    progress = RunProgress(100, 10, 5, {"EMPTY": 2}, 3.5, 30.0, "decoding")
    assert heartbeat(catalog, run, "w")
    assert get_run(catalog, POOL, 1).sequence == run.sequence
    assert heartbeat(catalog, run, "w", progress)
    assert heartbeat(catalog, run, "w", progress)
    stored = get_run(catalog, POOL, 1)
    assert (stored.progress, stored.sequence) == (progress, run.sequence + 1)


def test_a_cancelled_run_stops_at_its_next_heartbeat(catalog: Catalog) -> None:
    run = begin_run(catalog, POOL, RunKind.EMBED, {}, "w")
    cancel_run(catalog, POOL, 1)
    assert not heartbeat(catalog, run, "w", RunProgress(1, 1))
    ended = finish_run(catalog, run, "w", RunState.CANCELLED)
    assert ended.state is RunState.CANCELLED
    assert ended.progress == RunProgress()


def test_a_cancellation_outlives_the_worker(catalog: Catalog) -> None:
    begin_run(catalog, POOL, RunKind.EMBED, {}, "w")
    cancel_run(catalog, POOL, 1)
    forget(catalog)
    assert claim_run(catalog, BOTH, "other", 0) is None
    assert get_run(catalog, POOL, 1).state is RunState.CANCELLED


def test_a_finished_run_says_what_it_made(catalog: Catalog) -> None:
    run = begin_run(catalog, POOL, RunKind.EMBED, {}, "w")
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
    assert (ended.progress.done, ended.stages[0].stage, ended.sequence) == (2, "embed", 3)
    assert claim_run(catalog, BOTH, "w", 0) is None
    with pytest.raises(ValueError, match="does not end"):
        finish_run(catalog, run, "w", RunState.PENDING)


def test_a_run_that_fails_keeps_what_it_has_made(catalog: Catalog) -> None:
    run = begin_run(catalog, POOL, RunKind.TRAIN, {}, "w")
    add_prompt_version(catalog, POOL, "a" * 64, "a", 0, 0, None, {}, run=run)
    ended = finish_run(catalog, run, "w", RunState.FAILED, "it could not be activated")
    assert (ended.prompt_version, ended.ranking) == (0, None)


def test_a_run_begins_at_once(catalog: Catalog) -> None:
    run = begin_run(catalog, POOL, RunKind.EMBED, SPEC, "cli")
    assert (run.number, run.state, run.owner, run.attempts) == (1, RunState.RUNNING, "cli", 1)
    assert run.start_time is not None
    assert claim_run(catalog, BOTH, "worker", 60) is None


def test_a_run_that_has_succeeded_is_not_repeated(catalog: Catalog) -> None:
    run = begin_run(catalog, POOL, RunKind.EMBED, SPEC, "cli")
    finish_run(catalog, run, "cli", RunState.SUCCEEDED)
    assert begin_run(catalog, POOL, RunKind.EMBED, SPEC, "cli").number == 2


@pytest.mark.parametrize("state", [RunState.FAILED, RunState.CANCELLED])
def test_a_run_that_has_ended_early_goes_on(catalog: Catalog, state: RunState) -> None:
    first = begin_run(catalog, POOL, RunKind.EMBED, SPEC, "cli")
    cancel_run(catalog, POOL, 1)
    finish_run(catalog, first, "cli", state, "disk full")
    again = begin_run(catalog, POOL, RunKind.EMBED, SPEC, "cli")
    assert (again.number, again.state, again.attempts) == (1, RunState.RUNNING, 2)
    assert (again.error, again.end_time, again.cancel_requested) == ("", None, False)
    assert again.start_time == first.start_time


def test_the_run_of_a_worker_that_is_gone_goes_on(catalog: Catalog) -> None:
    begin_run(catalog, POOL, RunKind.EMBED, SPEC, "dead")
    run = begin_run(catalog, POOL, RunKind.EMBED, SPEC, "cli", stale_after_s=0)
    assert (run.number, run.owner, run.attempts) == (1, "cli", 2)


@pytest.mark.parametrize("spec", [{"source": "/images"}, {"source": "/other"}])
def test_nobody_begins_beside_a_living_worker(catalog: Catalog, spec: dict[str, str]) -> None:
    """Two snapshots that grow from the same one would each lack the images of the other."""
    begin_run(catalog, POOL, RunKind.EMBED, SPEC, "elsewhere")
    with pytest.raises(FailedPreconditionError, match=r"pools/pets/runs/1.*elsewhere") as caught:
        begin_run(catalog, POOL, RunKind.EMBED, spec, "cli")
    assert caught.value.reason == "RUN_IN_PROGRESS"
    assert get_run(catalog, POOL, 1).owner == "elsewhere"
    assert begin_run(catalog, POOL, RunKind.TRAIN, {}, "cli").number == 2


def test_a_run_that_waits_is_taken(catalog: Catalog) -> None:
    start_run(catalog, POOL, RunKind.EMBED, SPEC)
    assert begin_run(catalog, POOL, RunKind.EMBED, SPEC, "cli").number == 1
