import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.session import process_owner, take_run
from poolscore.errors import FailedPreconditionError
from poolscore.store.catalog import Catalog
from poolscore.store.records import Run, RunKind, RunState
from poolscore.store.run_queue import finish_run
from poolscore.store.runs import get_run, start_run
from tests.shards_world import open_world

SPEC = {"source": "/images"}


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return open_world(tmp_path)[0]


def _take(catalog: Catalog) -> Run:
    return take_run(catalog, "p", RunKind.EMBED, SPEC)


def _owner(process: int) -> str:
    return f"cli@{socket.gethostname()}:{process}"


def _dead_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_first_command_begins_a_run(catalog: Catalog) -> None:
    run = _take(catalog)
    assert (run.number, run.state, run.owner) == (1, RunState.RUNNING, _owner(os.getpid()))


def test_a_run_that_has_succeeded_is_not_repeated(catalog: Catalog) -> None:
    finish_run(catalog, _take(catalog), process_owner(), RunState.SUCCEEDED)
    assert _take(catalog).number == 2


@pytest.mark.parametrize("state", [RunState.FAILED, RunState.CANCELLED])
def test_a_run_that_has_ended_early_goes_on(catalog: Catalog, state: RunState) -> None:
    finish_run(catalog, _take(catalog), process_owner(), state)
    again = _take(catalog)
    assert (again.number, again.state, again.attempts) == (1, RunState.RUNNING, 2)


def test_the_run_of_a_killed_process_goes_on_at_once(catalog: Catalog) -> None:
    start_run(catalog, "p", RunKind.EMBED, SPEC, owner=_owner(_dead_process()))
    run = _take(catalog)
    assert (run.number, run.owner, run.attempts) == (1, _owner(os.getpid()), 2)


@pytest.mark.parametrize("owner", [_owner(os.getppid()), "cli@elsewhere:1", "embedder"])
def test_the_run_of_a_living_process_is_left_alone(catalog: Catalog, owner: str) -> None:
    start_run(catalog, "p", RunKind.EMBED, SPEC, owner=owner)
    with pytest.raises(FailedPreconditionError, match=owner) as caught:
        _take(catalog)
    assert caught.value.reason == "RUN_IN_PROGRESS"
    assert get_run(catalog, "p", 1).owner == owner


def test_a_run_that_waits_in_the_queue_is_taken(catalog: Catalog) -> None:
    start_run(catalog, "p", RunKind.EMBED, SPEC)
    assert _take(catalog).number == 1


def test_another_source_is_another_run(catalog: Catalog) -> None:
    _take(catalog)
    assert take_run(catalog, "p", RunKind.EMBED, {"source": "/other"}).number == 2
