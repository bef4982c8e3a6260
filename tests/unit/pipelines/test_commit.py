from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.commit import (
    commit,
    committed_progress,
    committed_snapshot,
    is_complete,
    latest_base,
)
from pipelines.known import known_rows
from pipelines.overlap import uncommit_overlaps
from pipelines.places import RunPlaces, Store
from pipelines.plan import Plan
from pipelines.progress import ShardCounter
from poolscore.errors import FailedPreconditionError
from poolscore.store.backup import export_catalog, import_catalog
from poolscore.store.catalog import Catalog
from poolscore.store.files import atomic_stream
from poolscore.store.manifest import Manifest, load_manifest
from poolscore.store.pools import get_pool
from poolscore.store.records import Pool, Run, RunKind, RunState, Snapshot
from poolscore.store.run_queue import begin_run, finish_run
from poolscore.store.runs import get_run
from tests.shards_world import DIM, open_world, write_shard

World = tuple[Catalog, Store, Pool]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return open_world(tmp_path)


def _run(world: World, source: str = "s") -> tuple[Run, RunPlaces]:
    catalog, store, pool = world
    run = begin_run(catalog, pool.pool_id, RunKind.EMBED, {"sources": [source]}, "me")
    return run, RunPlaces.claim(store, run)


def _plan(inputs: int, source: str = "s", again: int = 0) -> Plan:
    return Plan(
        sources=(source,),
        prune=False,
        base=None,
        inputs=inputs,
        refused=0,
        again=again,
        known=0,
        missing=0,
    )


def _commit(
    world: World, run: Run, places: RunPlaces, plan: Plan, max_reject_ratio: float = 1.0
) -> Snapshot:
    catalog, store, _ = world
    pool = get_pool(catalog, "p")
    counter = ShardCounter(places)
    return commit(catalog, store, pool, run, plan, counter, DIM, max_reject_ratio)


def _manifest(world: World, snapshot: Snapshot) -> Manifest:
    return load_manifest(*world[1], snapshot.manifest_uri, snapshot.manifest_sha256)


def test_a_snapshot_counts_what_its_shards_hold(world: World) -> None:
    run, places = _run(world)
    write_shard(places, "u_0", ["a", "b"], {"b": "EMPTY"})
    write_shard(places, "u_1", ["c"])
    snapshot = _commit(world, run, places, _plan(3))
    assert (snapshot.number, snapshot.embedded, snapshot.rejected) == (1, 2, 1)
    manifest = _manifest(world, snapshot)
    assert [shard.path for shard in manifest.shards] == [
        f"pools/p/runs/{run.number}/shards/u_{number}-0.parquet" for number in range(2)
    ]
    assert manifest.rejects == {"EMPTY": 1}
    assert manifest.sources == ("s",)


def test_orphans_of_an_interrupted_write_do_not_count(world: World) -> None:
    run, places = _run(world)
    write_shard(places, "u_0", ["a"])
    write_shard(places, "u_1", ["b"], committed=False)
    with pytest.raises(FailedPreconditionError, match="1 rows for 2 inputs") as caught:
        _commit(world, run, places, _plan(2))
    assert caught.value.reason == "RUN_INCOMPLETE"
    assert committed_snapshot(world[0], world[1], run, places) is None


def test_a_shard_that_a_dead_attempt_committed_late_is_left_out(world: World) -> None:
    run, places = _run(world)
    write_shard(places, "first_0", ["a", "b"], {"b": "EMPTY"})
    write_shard(places, "late_0", ["c", "d"], {"d": "EMPTY"})
    write_shard(places, "second_0", ["c"])
    write_shard(places, "second_1", ["d", "e"], {"d": "EMPTY"})
    snapshot = _commit(world, run, places, _plan(5))
    manifest = _manifest(world, snapshot)
    names = [Path(shard.path).name for shard in manifest.shards]
    assert names == ["first_0-0.parquet", "second_0-0.parquet", "second_1-0.parquet"]
    assert manifest.rejects == {"EMPTY": 2}


def test_rows_that_repeat_do_not_stand_for_those_that_lack(world: World) -> None:
    run, places = _run(world)
    write_shard(places, "first_0", ["a", "b"])
    write_shard(places, "late_0", ["b"])
    counter = ShardCounter(places)
    counter.update()
    assert counter.rows == _plan(3).total
    assert not is_complete(world[1], _plan(3), counter)
    with pytest.raises(FailedPreconditionError, match="2 rows for 3 inputs"):
        _commit(world, run, places, _plan(3))
    write_shard(places, "second_0", ["c"])
    counter = ShardCounter(places)
    counter.update()
    assert is_complete(world[1], _plan(3), counter)
    assert _commit(world, run, places, _plan(3)).embedded == 3


def test_shards_that_overlap_without_end_are_embedded_again(world: World) -> None:
    """Two kills: the second attempt is killed when it has some of the ids of a late shard."""
    run, places = _run(world)
    write_shard(places, "late_0", ["a", "b"])
    write_shard(places, "second_0", ["b", "c"])
    write_shard(places, "third_0", ["d"])
    with pytest.raises(FailedPreconditionError, match="5 rows for 4 inputs"):
        _commit(world, run, places, _plan(4))
    # What the next attempt begins with.
    uncommit_overlaps(places)
    assert places.committed() == ["second_0", "third_0"]
    write_shard(places, "fourth_0", ["a"])
    assert _commit(world, run, places, _plan(4)).embedded == 4


def test_ids_that_repeat_across_shards_are_never_committed(world: World) -> None:
    run, places = _run(world)
    write_shard(places, "u_0", ["a", "b"])
    write_shard(places, "u_1", ["b", "c"])
    with pytest.raises(FailedPreconditionError) as caught:
        _commit(world, run, places, _plan(4))
    assert caught.value.reason == "SNAPSHOT_INVALID"


def test_too_many_rejects_fail_and_keep_the_shards(world: World) -> None:
    run, places = _run(world)
    path = write_shard(places, "u_0", ["a", "b", "c"], {"a": "EMPTY", "b": "EMPTY"})
    with pytest.raises(FailedPreconditionError, match="2 EMPTY") as caught:
        _commit(world, run, places, _plan(3), max_reject_ratio=0.5)
    assert caught.value.reason == "TOO_MANY_REJECTS"
    assert path.exists()
    assert _commit(world, run, places, _plan(3), max_reject_ratio=0.7).rejected == 2


def test_a_few_bad_images_may_join_a_good_pool(world: World) -> None:
    run, places = _run(world)
    write_shard(places, "u_0", ["a", "b", "c"])
    first = _commit(world, run, places, _plan(3), max_reject_ratio=0.5)
    finish_run(world[0], run, "me", RunState.SUCCEEDED)
    run, places = _run(world, "t")
    write_shard(places, "v_0", ["d"], {"d": "EMPTY"})
    second = _commit(world, run, places, _plan(1, source="t"), max_reject_ratio=0.5)
    assert (first.rejected, second.rejected) == (0, 1)
    progress = committed_progress(world[1], places, second)
    assert (progress.total, progress.done, progress.resumed) == (1, 1, 1)
    assert progress.rejects == {"EMPTY": 1}


def test_a_good_source_may_join_a_pool_whose_rejects_were_accepted(world: World) -> None:
    run, places = _run(world)
    write_shard(places, "u_0", ["a", "b", "c"], {"a": "EMPTY", "b": "EMPTY", "c": "EMPTY"})
    _commit(world, run, places, _plan(3), max_reject_ratio=1.0)
    finish_run(world[0], run, "me", RunState.SUCCEEDED)
    run, places = _run(world, "t")
    write_shard(places, "v_0", ["d", "e"], {"d": "EMPTY"})
    assert _commit(world, run, places, _plan(2, source="t"), max_reject_ratio=0.5).rejected == 4
    finish_run(world[0], run, "me", RunState.SUCCEEDED)
    run, places = _run(world, "u")
    write_shard(places, "w_0", ["f"], {"f": "EMPTY"})
    with pytest.raises(FailedPreconditionError) as caught:
        _commit(world, run, places, _plan(1, source="u"), max_reject_ratio=0.5)
    assert caught.value.reason == "TOO_MANY_REJECTS"


def test_a_later_snapshot_shares_the_shards_of_the_newest_one(world: World) -> None:
    """Also when that one was never activated, because its run died before it had a ranking."""
    run, places = _run(world)
    write_shard(places, "u_0", ["a", "b"], {"b": "EMPTY"})
    first = _commit(world, run, places, _plan(2))
    finish_run(world[0], run, "me", RunState.FAILED)
    run, places = _run(world, "t")
    write_shard(places, "v_0", ["c"])
    second = _commit(world, run, places, _plan(1, source="t"))
    assert (second.embedded, second.rejected) == (2, 1)
    before, after = _manifest(world, first), _manifest(world, second)
    assert set(before.shards) < set(after.shards)
    assert after.sources == ("s", "t")
    assert (before.base, after.base) == (None, first.number)
    assert sorted(known_rows(world[1], after, ())["id"].to_pylist()) == ["a", "b", "c"]


def _die(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_manifest_that_was_overtaken_is_made_anew(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    late, late_places = _run(world)
    write_shard(late_places, "u_0", ["a"])
    monkeypatch.setattr("pipelines.commit.register", _die)
    with pytest.raises(KeyboardInterrupt):
        _commit(world, late, late_places, _plan(1))
    monkeypatch.undo()
    finish_run(world[0], late, "me", RunState.FAILED)
    quick, quick_places = _run(world, "t")
    write_shard(quick_places, "v_0", ["b"])
    other = _commit(world, quick, quick_places, _plan(1, source="t"))
    assert committed_snapshot(world[0], world[1], late, late_places) is None
    both = _commit(world, late, late_places, _plan(1))
    assert set(_manifest(world, other).shards) < set(_manifest(world, both).shards)
    # What is registered stays, also when it is not the newest any more.
    assert committed_snapshot(world[0], world[1], quick, quick_places) == other


def test_a_run_that_died_after_its_manifest_is_found_again(world: World) -> None:
    run, places = _run(world)
    write_shard(places, "u_0", ["a"])
    snapshot = _commit(world, run, places, _plan(1))
    assert committed_snapshot(world[0], world[1], run, places) == snapshot


def test_a_pool_without_snapshot_has_no_base_and_no_rows(world: World) -> None:
    catalog, store, pool = world
    assert latest_base(catalog, store, pool.pool_id) is None
    assert len(known_rows(store, None, ())) == 0


def _replace(world: World, ids: list[str]) -> tuple[Run, RunPlaces]:
    """A run that replaces these images of a first snapshot of a, b and c."""
    run, places = _run(world)
    write_shard(places, "u_0", ["a", "b"], {"b": "EMPTY"}, contents="old")
    write_shard(places, "u_1", ["c"], contents="old")
    _commit(world, run, places, _plan(3))
    finish_run(world[0], run, "me", RunState.SUCCEEDED)
    run, places = _run(world, "t")
    write_shard(places, "v_0", ids, contents="new")
    with atomic_stream(world[1][0], places.dropped) as file:
        pq.write_table(pa.table({"id": ids}), file)
    return run, places


def test_rows_that_are_replaced_leave_the_shards_of_the_snapshot_before(world: World) -> None:
    run, places = _replace(world, ["b"])
    second = _commit(world, run, places, _plan(1, "t", again=1))
    assert (second.embedded, second.rejected) == (3, 0)
    manifest = _manifest(world, second)
    assert manifest.rejects == {}
    assert (manifest.changes.new, manifest.changes.changed) == (0, 1)
    folders = [Path(shard.path).parent.name for shard in manifest.shards]
    assert folders == ["shards", "kept", "shards"]
    assert committed_progress(world[1], places, second).changed == 1
    assert committed_snapshot(world[0], world[1], run, places) == second


def test_a_run_that_replaced_rows_and_died_after_its_manifest_is_found_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, places = _replace(world, ["a", "b"])
    monkeypatch.setattr("pipelines.commit.register", _die)
    with pytest.raises(KeyboardInterrupt):
        _commit(world, run, places, _plan(2, "t", again=2))
    monkeypatch.undo()
    found = committed_snapshot(world[0], world[1], run, places)
    assert found is not None
    assert (found.number, found.embedded) == (2, 3)


def _ids(world: World, snapshot: Snapshot) -> list[str]:
    return sorted(known_rows(world[1], _manifest(world, snapshot), ())["id"].to_pylist())


@pytest.mark.parametrize("registered", [True, False])
def test_a_restored_catalog_never_takes_the_files_of_another_run_for_its_own(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registered: bool
) -> None:
    """The store is newer than the backup, so the number of a run is given out again."""
    catalog, store, pool = world
    export_catalog(catalog, store, tmp_path / "backup.zip")
    lost, lost_places = _run(world, "t")
    write_shard(lost_places, "u_0", ["a", "b"])
    if registered:
        before = _commit(world, lost, lost_places, _plan(2, source="t"))
        assert _ids(world, before) == ["a", "b"]
    else:
        monkeypatch.setattr("pipelines.commit.register", _die)
        with pytest.raises(KeyboardInterrupt):
            _commit(world, lost, lost_places, _plan(2, source="t"))
        monkeypatch.undo()
    kept = {path: path.read_bytes() for path in Path(store[1]).rglob("*") if path.is_file()}
    assert Path(store[1]) / "pools/p/snapshots/run-1.json" in kept

    restored = Catalog.open(f"sqlite:///{tmp_path / 'restored.db'}")
    import_catalog(tmp_path / "backup.zip", restored, store)
    world = restored, store, pool
    run, places = _run(world)
    assert run.number == lost.number
    assert (places.committed(), places.key) == ([], "1-2")
    assert committed_snapshot(restored, store, run, places) is None
    places.clear()
    write_shard(places, "u_0", ["b", "c", "d"])
    snapshot = _commit(world, run, places, _plan(3))
    assert _ids(world, snapshot) == ["b", "c", "d"]
    assert snapshot.manifest_uri == "pools/p/snapshots/run-1-2.json"
    assert committed_snapshot(restored, store, run, RunPlaces.claim(store, run)) == snapshot
    assert committed_progress(store, places, snapshot).total == 3
    places.remove_working_files()
    assert {path: path.read_bytes() for path in kept} == kept


def test_a_run_that_is_in_the_backup_goes_on_with_its_own_files(
    world: World, tmp_path: Path
) -> None:
    catalog, store, pool = world
    run, places = _run(world)
    export_catalog(catalog, store, tmp_path / "backup.zip")
    write_shard(places, "u_0", ["a", "b"])
    first = _commit(world, run, places, _plan(2))

    restored = Catalog.open(f"sqlite:///{tmp_path / 'restored.db'}")
    import_catalog(tmp_path / "backup.zip", restored, store)
    again = get_run(restored, pool.pool_id, run.number)
    assert RunPlaces.claim(store, again) == places
    found = committed_snapshot(restored, store, again, places)
    assert found is not None
    assert found.manifest_sha256 == first.manifest_sha256
