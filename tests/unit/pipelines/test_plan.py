from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.places import RunPlaces
from pipelines.plan import load_plan, make_plan, overlaps
from poolscore.errors import InvalidInputError
from poolscore.store.shards import shard_schema
from tests.shards_world import DIGEST, DIM, open_world, write_shard

SCHEMA = shard_schema(DIM, DIGEST)


@pytest.fixture
def places(tmp_path: Path) -> RunPlaces:
    _, store, _ = open_world(tmp_path)
    return RunPlaces.of(store, "p", 1)


def _list(folder: Path, *rows: str) -> str:
    path = folder / "list.csv"
    path.write_text("\n".join(["id,path", *rows]) + "\n")
    return str(path)


def _inputs(places: RunPlaces) -> list[str]:
    return pq.read_table(places.inputs)["id"].to_pylist()


def test_the_plan_is_frozen(places: RunPlaces, tmp_path: Path) -> None:
    assert load_plan(places) is None
    source = _list(tmp_path, "a,1.jpg", "b,2.jpg")
    plan = make_plan(places, source, [], SCHEMA)
    assert (plan.inputs, plan.refused, plan.known, plan.total) == (2, 0, 0, 2)
    _list(tmp_path, "c,3.jpg")
    assert load_plan(places) == plan
    assert _inputs(places) == ["a", "b"]


def test_without_its_last_file_there_is_no_plan(places: RunPlaces, tmp_path: Path) -> None:
    make_plan(places, _list(tmp_path, "a,1.jpg"), [], SCHEMA)
    Path(places.plan).unlink()
    assert load_plan(places) is None


def test_known_ids_are_left_out(places: RunPlaces, tmp_path: Path) -> None:
    source = _list(tmp_path, "a,1.jpg", "b,2.jpg", "a,3.jpg")
    known = [pa.array(["a"]), pa.array(["a~2", "z"])]
    plan = make_plan(places, source, known, SCHEMA)
    assert (plan.inputs, plan.refused, plan.known) == (1, 0, 2)
    assert _inputs(places) == ["b"]


def test_a_plan_that_another_run_has_done_in_part_is_told(
    places: RunPlaces, tmp_path: Path
) -> None:
    assert not overlaps(places, [pa.array(["a"])])
    make_plan(places, _list(tmp_path, "a,1.jpg", "b,2.jpg"), [], SCHEMA)
    assert not overlaps(places, [])
    assert not overlaps(places, [pa.array(["c"])])
    assert overlaps(places, [pa.array(["c"]), pa.array(["b"])])


def test_a_plan_begins_with_an_empty_folder(places: RunPlaces, tmp_path: Path) -> None:
    source = _list(tmp_path, "a,1.jpg")
    make_plan(places, source, [], SCHEMA)
    write_shard(places, "u_0", ["a"])
    assert places.committed() == ["u_0"]
    make_plan(places, source, [], SCHEMA)
    assert places.committed() == []
    assert places.shards_of(["u_0"]) == []


def test_refused_inputs_are_rows_of_a_shard(places: RunPlaces, tmp_path: Path) -> None:
    plan = make_plan(places, _list(tmp_path, "a,1.jpg", "a,2.jpg"), [], SCHEMA)
    assert (plan.inputs, plan.refused, plan.total) == (1, 1, 2)
    table = pq.read_table(f"{places.shards}/listing.parquet")
    assert table.schema.equals(SCHEMA, check_metadata=True)
    assert table["id"].to_pylist() == ["a~2"]
    assert table["reject_reason"].to_pylist() == ["DUPLICATE_ID"]
    assert table["embedding"].null_count == 1


def test_a_source_that_cannot_be_listed_leaves_no_plan(places: RunPlaces, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError):
        make_plan(places, str(tmp_path / "missing"), [], SCHEMA)
    assert load_plan(places) is None
