import pytest

from poolscore.errors import InvalidInputError, NotFoundError
from poolscore.store.catalog import Catalog
from poolscore.store.records import RunKind, RunState
from poolscore.store.run_queue import begin_run, claim_run, finish_run
from poolscore.store.runs import (
    cancel_run,
    get_run,
    list_runs,
    start_run,
)
from tests.store_world import POOL, add_pool

SPEC = {"source": "/photos"}


@pytest.fixture(autouse=True)
def pool(catalog: Catalog) -> None:
    add_pool(catalog)


def test_runs_are_numbered_inside_their_pool(catalog: Catalog) -> None:
    add_pool(catalog, "other")
    first = start_run(catalog, POOL, RunKind.EMBED, SPEC)
    assert (first.number, first.state, first.sequence) == (1, RunState.PENDING, 1)
    assert first.name == "pools/pets/runs/1"
    assert start_run(catalog, POOL, RunKind.TRAIN, {}).number == 2
    assert start_run(catalog, "other", RunKind.TRAIN, {}).number == 1
    assert get_run(catalog, POOL, 1) == first


def test_a_request_id_starts_one_run(catalog: Catalog) -> None:
    first = start_run(catalog, POOL, RunKind.EMBED, SPEC, "r1")
    assert start_run(catalog, POOL, RunKind.EMBED, SPEC, "r1") == first
    for kind, spec in ((RunKind.EMBED, {"source": "/other"}), (RunKind.TRAIN, SPEC)):
        with pytest.raises(InvalidInputError) as caught:
            start_run(catalog, POOL, kind, spec, "r1")
        assert caught.value.reason == "REQUEST_ID_REUSED"
    assert len(list_runs(catalog, POOL)[0]) == 1


def test_request_ids_of_the_service_are_its_own(catalog: Catalog) -> None:
    with pytest.raises(InvalidInputError) as caught:
        start_run(catalog, POOL, RunKind.TRAIN, {}, "auto-0-1")
    assert caught.value.reason == "REQUEST_ID_RESERVED"


def test_without_a_request_id_every_call_starts_a_run(catalog: Catalog) -> None:
    runs = [start_run(catalog, POOL, RunKind.TRAIN, {}) for _ in range(2)]
    assert [run.number for run in runs] == [1, 2]


def test_lists_are_newest_first(catalog: Catalog) -> None:
    for _ in range(5):
        start_run(catalog, POOL, RunKind.TRAIN, {})
    first, token = list_runs(catalog, POOL, 3)
    second, end = list_runs(catalog, POOL, 3, token)
    assert [run.number for run in first + second] == [5, 4, 3, 2, 1]
    assert end == ""


def test_missing_things_are_named(catalog: Catalog) -> None:
    with pytest.raises(NotFoundError) as caught:
        get_run(catalog, POOL, 7)
    assert caught.value.reason == "RUN_NOT_FOUND"
    with pytest.raises(NotFoundError) as caught:
        start_run(catalog, "nope", RunKind.TRAIN, {})
    assert caught.value.reason == "POOL_NOT_FOUND"


def test_a_waiting_run_is_cancelled_at_once(catalog: Catalog) -> None:
    start_run(catalog, POOL, RunKind.EMBED, SPEC)
    cancelled = cancel_run(catalog, POOL, 1)
    assert cancelled.state is RunState.CANCELLED
    assert cancelled.end_time is not None
    assert cancel_run(catalog, POOL, 1) == cancelled
    assert claim_run(catalog, [RunKind.EMBED], "w", 60) is None


def test_a_running_run_is_asked_to_stop(catalog: Catalog) -> None:
    begin_run(catalog, POOL, RunKind.EMBED, SPEC, "w")
    asked = cancel_run(catalog, POOL, 1)
    assert (asked.state, asked.cancel_requested) == (RunState.RUNNING, True)
    assert cancel_run(catalog, POOL, 1).sequence == asked.sequence


@pytest.mark.parametrize("state", [RunState.FAILED, RunState.CANCELLED])
def test_an_embedding_run_that_ended_early_is_queued_again(
    catalog: Catalog, state: RunState
) -> None:
    """So that what it has committed is not embedded again."""
    run = start_run(catalog, POOL, RunKind.EMBED, SPEC, "r1")
    assert start_run(catalog, POOL, RunKind.EMBED, SPEC, "r2") == run
    finish_run(catalog, begin_run(catalog, POOL, RunKind.EMBED, SPEC, "w"), "w", state, "why")
    again = start_run(catalog, POOL, RunKind.EMBED, SPEC, "r2")
    assert (again.number, again.state, again.error) == (run.number, RunState.PENDING, "")
    assert again.end_time is None
    assert start_run(catalog, POOL, RunKind.EMBED, SPEC, "r2") == again
    succeeded = begin_run(catalog, POOL, RunKind.EMBED, SPEC, "w")
    finish_run(catalog, succeeded, "w", RunState.SUCCEEDED)
    assert start_run(catalog, POOL, RunKind.EMBED, SPEC, "r1").number == run.number


def test_other_ended_runs_are_followed_by_new_ones(catalog: Catalog) -> None:
    for kind, state in ((RunKind.EMBED, RunState.SUCCEEDED), (RunKind.TRAIN, RunState.FAILED)):
        run = begin_run(catalog, POOL, kind, SPEC, "w")
        finish_run(catalog, run, "w", state)
        assert start_run(catalog, POOL, kind, SPEC).number == run.number + 1
