import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from pyarrow import fs

from pipelines.places import OWNER, RunPlaces, Store
from poolscore.store import files
from poolscore.store.records import Run, RunKind
from poolscore.store.run_queue import begin_run
from poolscore.store.runs import get_run
from tests.shards_world import open_world, write_shard


@pytest.fixture
def places(tmp_path: Path) -> RunPlaces:
    _, store, _ = open_world(tmp_path)
    return RunPlaces.of(store, "p", 1)


def test_nothing_is_committed_before_the_first_shard(places: RunPlaces) -> None:
    assert places.committed() == []
    assert places.shards_of([]) == []


def test_only_shards_with_a_committed_checkpoint_count(places: RunPlaces) -> None:
    kept = write_shard(places, "uuid_000000", ["a"])
    write_shard(places, "uuid_000001", ["b"], committed=False)
    (Path(places.shards) / "uuid_000002-0.parquet").write_bytes(b"half a file")
    assert places.committed() == ["uuid_000000"]
    assert places.shards_of(places.committed()) == [str(kept)]


def test_working_files_go_and_shards_stay(places: RunPlaces) -> None:
    kept = write_shard(places, "uuid_000000", ["a"])
    Path(places.plan).write_text("{}")
    places.remove_working_files()
    places.remove_working_files()
    # A plan that stayed would hide what a source has got since.
    assert not Path(places.plan).exists()
    assert not Path(places.checkpoint).exists()
    assert kept.exists()


@pytest.fixture
def run(tmp_path: Path) -> Run:
    catalog, _, _ = open_world(tmp_path)
    return begin_run(catalog, "p", RunKind.EMBED, {"sources": ["s"], "prune": False}, "me")


@pytest.fixture(params=["local", "object"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """A local store, and one on a file system without rename, as object stores are."""
    if request.param == "local":
        return files.open_store(str(tmp_path / "files"))
    memory = MemoryFileSystem()
    return fs.PyFileSystem(fs.FSSpecHandler(memory)), f"/{tmp_path.name}"


def _other(run: Run) -> Run:
    """What another catalog calls by the same name."""
    return replace(run, create_time=run.create_time + timedelta(microseconds=1))


def _write(store: Store, path: str) -> None:
    """Write a file that says nothing of its owner."""
    files.write_atomic(store[0], path, b"{}")


def test_a_run_has_the_same_places_at_every_attempt(store: Store, run: Run) -> None:
    places = RunPlaces.claim(store, run)
    assert (places.key, places) == ("1", RunPlaces.of(store, "p", 1))
    _write(store, places.plan)
    _write(store, files.manifest_path(store[1], "p", places.key))
    assert RunPlaces.claim(store, replace(run, attempts=2, owner="you", error="lost")) == places
    places.clear()
    assert RunPlaces.claim(store, run) == places


def test_runs_with_one_number_have_places_of_their_own(store: Store, run: Run) -> None:
    runs = [run, _other(run), replace(run, spec={"sources": ["t"]})]
    assert [RunPlaces.claim(store, each).key for each in runs] == ["1", "1-2", "1-3"]
    assert [RunPlaces.claim(store, each).key for each in reversed(runs)] == ["1-3", "1-2", "1"]


def test_what_has_no_owner_is_another_s(store: Store, run: Run) -> None:
    _write(store, f"{files.run_dir(store[1], 'p', 1)}/shards/u_0.parquet")
    _write(store, files.manifest_path(store[1], "p", "1-2"))
    for _ in range(2):
        assert RunPlaces.claim(store, run).key == "1-3"
    assert RunPlaces.claim(store, _other(run)).key == "1-4"


def test_a_claim_that_was_killed_is_repeated(tmp_path: Path, run: Run) -> None:
    store = files.open_store(str(tmp_path / "files"))
    folder = Path(files.run_dir(store[1], "p", 1))
    folder.mkdir(parents=True)
    (folder / f".{OWNER}.1f.tmp").write_bytes(b"{")
    assert RunPlaces.claim(store, run).key == "1"


def test_attempts_at_one_time_have_the_same_places_and_runs_others(
    tmp_path: Path, run: Run
) -> None:
    for number in range(20):
        store = files.open_store(str(tmp_path / f"files-{number}"))
        runs = [run, _other(run)] * 4
        with ThreadPoolExecutor(len(runs)) as threads:
            keys = list(threads.map(lambda each, at=store: RunPlaces.claim(at, each).key, runs))
        assert sorted({*keys[::2], *keys[1::2]}) == ["1", "1-2"]
        assert len({*keys[::2]}) == len({*keys[1::2]}) == 1


def test_an_owner_is_the_same_in_every_time_zone_and_order_of_keys(store: Store, run: Run) -> None:
    east = run.create_time.astimezone(timezone(timedelta(hours=9)))
    places = RunPlaces.claim(store, run)
    spec = dict(reversed(list(run.spec.items())))
    assert RunPlaces.claim(store, replace(run, create_time=east, spec=spec)) == places
    whole = replace(run, number=2, create_time=datetime(2026, 1, 1, tzinfo=UTC))
    owner = files.read_bytes(store[0], f"{RunPlaces.claim(store, whole).folder}/{OWNER}")
    assert json.loads(owner) == {
        "create_time": "2026-01-01T00:00:00.000000+00:00",
        "spec": {"sources": ["s"], "prune": False},
    }


def test_the_catalog_gives_a_run_back_as_its_owner(tmp_path: Path) -> None:
    catalog, store, _ = open_world(tmp_path)
    run = begin_run(catalog, "p", RunKind.EMBED, {"sources": ["ü"]}, "me")
    places = RunPlaces.claim(store, run)
    assert RunPlaces.claim(store, get_run(catalog, "p", run.number)) == places
