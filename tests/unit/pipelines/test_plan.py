from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipelines.places import RunPlaces, Store
from pipelines.plan import Plan, dropped_ids, drops_what_is_back, is_outdated, load_plan, make_plan
from pipelines.sources.resolve import check_sources
from poolscore.errors import FailedPreconditionError, InvalidInputError
from poolscore.store.manifest import Manifest
from poolscore.store.shards import shard_schema
from tests.shards_world import DIGEST, DIM, manifest_of, open_world, write_shard

SCHEMA = shard_schema(DIM, DIGEST)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_world(tmp_path)[1]


@pytest.fixture
def places(store: Store) -> RunPlaces:
    return RunPlaces.of(store, "p", 2)


def _plan(
    places: RunPlaces, source: str, base: Manifest | None = None, *, prune: bool = False
) -> Plan:
    store = (places.filesystem, places.folder.removesuffix("/pools/p/runs/2"))
    named = check_sources([source])
    return make_plan(places, store, named, base and (1, base), SCHEMA, prune)


def _base(store: Store, ids: list[str], source: str = "s") -> Manifest:
    """A snapshot of an earlier run."""
    path = write_shard(RunPlaces.of(store, "p", 1), "u_0", ids, source=source)
    return manifest_of(store, path)


def _list(folder: Path, *rows: str) -> str:
    path = folder / "list.csv"
    path.write_text("\n".join(["id,path", *rows]) + "\n")
    return str(path)


def _inputs(places: RunPlaces) -> list[str]:
    return pq.read_table(places.inputs)["id"].to_pylist()


def test_the_plan_is_frozen(places: RunPlaces, tmp_path: Path) -> None:
    assert load_plan(places) is None
    plan = _plan(places, _list(tmp_path, "a,1.jpg", "b,2.jpg"))
    assert (plan.inputs, plan.refused, plan.known, plan.total) == (2, 0, 0, 2)
    _list(tmp_path, "c,3.jpg")
    assert load_plan(places) == plan
    assert _inputs(places) == ["a", "b"]


def test_without_its_last_file_there_is_no_plan(places: RunPlaces, tmp_path: Path) -> None:
    _plan(places, _list(tmp_path, "a,1.jpg"))
    Path(places.plan).unlink()
    assert load_plan(places) is None


def test_what_the_snapshot_holds_is_left_out(
    places: RunPlaces, store: Store, tmp_path: Path
) -> None:
    source = _list(tmp_path, "a,s3://b/1.jpg", "b,s3://b/2.jpg", "a,s3://b/3.jpg")
    plan = _plan(places, source, _base(store, ["a", "a~2", "z"]))
    assert (plan.inputs, plan.refused, plan.known, plan.missing) == (1, 0, 2, 0)
    assert _inputs(places) == ["b"]
    assert len(dropped_ids(places)) == 0


def test_what_has_another_stamp_is_read_again_and_its_row_replaced(
    places: RunPlaces, store: Store, tmp_path: Path
) -> None:
    (tmp_path / "1.jpg").write_bytes(b"x")
    plan = _plan(places, _list(tmp_path, "a,1.jpg", "b,s3://b/2.jpg"), _base(store, ["a", "b"]))
    assert (plan.inputs, plan.again, plan.known, plan.dropped) == (1, 1, 1, 1)
    assert _inputs(places) == dropped_ids(places).to_pylist() == ["a"]


def test_what_a_source_has_no_longer_is_missing_and_goes_only_when_asked(
    places: RunPlaces, store: Store, tmp_path: Path
) -> None:
    source = _list(tmp_path, "a,s3://b/1.jpg", "b,gone.jpg")
    base = _base(store, ["a", "b", "c"], source)
    plan = _plan(places, source, base)
    assert (plan.total, plan.known, plan.missing, plan.dropped) == (0, 1, 2, 0)
    pruning = _plan(places, source, base, prune=True)
    assert (pruning.missing, pruning.dropped) == (2, 2)
    assert sorted(dropped_ids(places).to_pylist()) == ["b", "c"]


def test_nothing_is_pruned_while_a_part_of_the_source_cannot_be_read(
    places: RunPlaces, store: Store, tmp_path: Path
) -> None:
    images = tmp_path / "images"
    images.mkdir()
    (images / "a.jpg").write_bytes(b"x")
    (images / "b.tar").write_bytes(b"no tar" * 200)
    with pytest.raises(FailedPreconditionError, match=r"b\.tar") as caught:
        _plan(places, str(images), _base(store, ["c"], str(images)), prune=True)
    assert caught.value.reason == "PRUNE_UNSAFE"


def test_what_is_back_is_not_pruned_by_a_plan_from_before(
    places: RunPlaces, store: Store, tmp_path: Path
) -> None:
    there, back = "a,s3://b/1.jpg", "b,s3://b/2.jpg"
    source = _list(tmp_path, there)
    base = _base(store, ["a", "b", "c"], source)
    kept, pruning = _plan(places, source, base), _plan(places, source, base, prune=True)
    assert not drops_what_is_back(pruning, places, store, (1, base))
    _list(tmp_path, there, "d,s3://b/4.jpg")
    assert not drops_what_is_back(pruning, places, store, (1, base))
    _list(tmp_path, there, back)
    assert drops_what_is_back(pruning, places, store, (1, base))
    assert not drops_what_is_back(kept, places, store, (1, base))


def test_a_plan_is_outdated_when_another_run_has_done_a_part_of_it(
    places: RunPlaces, store: Store, tmp_path: Path
) -> None:
    plan = _plan(places, _list(tmp_path, "a,1.jpg", "b,2.jpg"))
    assert not is_outdated(plan, places, store, None)
    assert not is_outdated(plan, places, store, (1, _base(store, ["c"])))
    assert is_outdated(plan, places, store, (1, _base(store, ["c", "b"])))


def test_a_plan_that_replaces_rows_is_for_one_snapshot(
    places: RunPlaces, store: Store, tmp_path: Path
) -> None:
    (tmp_path / "1.jpg").write_bytes(b"x")
    base = _base(store, ["a"])
    plan = _plan(places, _list(tmp_path, "a,1.jpg"), base)
    assert not is_outdated(plan, places, store, (1, base))
    assert is_outdated(plan, places, store, (2, base))


def test_a_plan_begins_with_an_empty_folder(places: RunPlaces, tmp_path: Path) -> None:
    source = _list(tmp_path, "a,1.jpg")
    _plan(places, source)
    write_shard(places, "u_0", ["a"])
    assert places.committed() == ["u_0"]
    _plan(places, source)
    assert places.committed() == []
    assert places.shards_of(["u_0"]) == []


def test_refused_inputs_are_rows_of_a_shard(places: RunPlaces, tmp_path: Path) -> None:
    plan = _plan(places, _list(tmp_path, "a,1.jpg", "a,2.jpg"))
    assert (plan.inputs, plan.refused, plan.total) == (1, 1, 2)
    table = pq.read_table(f"{places.shards}/listing.parquet")
    assert table.schema.equals(SCHEMA, check_metadata=True)
    assert table["id"].to_pylist() == ["a~2"]
    assert table["reject_reason"].to_pylist() == ["DUPLICATE_ID"]
    assert table["embedding"].null_count == 1


def test_a_source_that_cannot_be_listed_leaves_no_plan(places: RunPlaces, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInputError):
        _plan(places, str(tmp_path / "empty"))
    assert load_plan(places) is None


def test_nothing_is_pruned_because_of_a_folder_that_is_empty_now(
    places: RunPlaces, store: Store, tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    sources = check_sources([_list(tmp_path, "a,s3://b/1.jpg"), str(empty)])
    base = 1, _base(store, ["a", "c"], str(empty))
    with pytest.raises(
        FailedPreconditionError, match=r"'file:.*/empty' .*: found no \.bmp"
    ) as caught:
        make_plan(places, store, sources, base, SCHEMA, prune=True)
    assert caught.value.reason == "PRUNE_UNSAFE"
    assert "cannot be read" not in caught.value.message
