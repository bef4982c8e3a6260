from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.known import compare, known_rows
from pipelines.places import RunPlaces
from pipelines.sources.entry import ABSENT
from pipelines.sources.listing import Listing
from pipelines.sources.schemas import INPUT_SCHEMA, REFUSED_SCHEMA
from tests.shards_world import manifest_of, open_world, write_shard


def _listing(stamps: dict[str, str | None]) -> Listing:
    ids = list(stamps)
    columns = [ids, ids, ["s"] * len(ids), list(stamps.values())]
    inputs = pa.table([pa.array(each, pa.string()) for each in columns], schema=INPUT_SCHEMA)
    return Listing(inputs, REFUSED_SCHEMA.empty_table())


def _known(
    stamps: dict[str, str | None], listed: bool = True, reason: str | None = None
) -> pa.Table:
    columns = {
        "id": pa.array(stamps, pa.string()),
        "stamp": pa.array(stamps.values(), pa.string()),
        "reject_reason": pa.array([reason] * len(stamps), pa.string()),
        "listed": pa.array([listed] * len(stamps), pa.bool_()),
    }
    return pa.table(columns)


def test_new_known_and_other_versions() -> None:
    difference = compare(_listing({"a": "1", "b": "2", "c": "1"}), _known({"a": "1", "b": "1"}))
    assert difference.todo.inputs["id"].to_pylist() == ["b", "c"]
    assert difference.again.to_pylist() == ["b"]
    assert (difference.known, len(difference.missing)) == (1, 0)


def test_a_stamp_that_is_not_known_says_nothing() -> None:
    difference = compare(_listing({"a": None, "b": "1"}), _known({"a": "1", "b": None}))
    assert (difference.known, len(difference.todo.inputs)) == (2, 0)


def test_what_is_gone_is_missing_and_what_never_was_is_known() -> None:
    listing = _listing({"a": ABSENT, "b": ABSENT, "c": ABSENT})
    difference = compare(listing, _known({"a": "1", "b": ABSENT, "d": "1"}))
    assert difference.missing.to_pylist() == ["a", "d"]
    assert difference.todo.inputs["id"].to_pylist() == ["c"]
    assert difference.known == 1
    found = compare(_listing({"b": "1"}), _known({"b": ABSENT}))
    assert found.again.to_pylist() == ["b"]


def test_images_of_other_sources_are_not_missing() -> None:
    difference = compare(_listing({"a": "1"}), _known({"b": "1"}, listed=False))
    assert len(difference.missing) == 0


def test_a_pool_without_images() -> None:
    difference = compare(_listing({"a": "1"}), _known({}))
    assert len(difference.todo.inputs) == 1


def test_what_could_not_be_read_is_tried_again_until_nothing_is_there() -> None:
    known = _known({"a": "1", "b": None, "c": ABSENT}, reason="UNREADABLE")
    difference = compare(_listing({"a": "1", "b": None, "c": ABSENT}), known)
    assert difference.todo.inputs["id"].to_pylist() == ["a", "b"]
    assert difference.again.to_pylist() == ["a", "b"]
    assert (difference.known, len(difference.missing)) == (1, 0)


def test_a_reject_is_tried_again_unless_its_stamp_says_that_it_is_the_same() -> None:
    known = _known({"a": None, "b": "1", "c": "1"}, reason="TRUNCATED")
    difference = compare(_listing({"a": None, "b": None, "c": "1"}), known)
    assert difference.again.to_pylist() == ["a", "b"]


def test_what_the_listing_refuses_again_is_known() -> None:
    listing = _listing({})
    columns = [["a"], ["a"], ["s"], pa.nulls(1, pa.string()), ["UNREADABLE"], ["why"]]
    refused = pa.table([pa.array(each) for each in columns], schema=REFUSED_SCHEMA)
    known = _known({"a": None}, reason="UNREADABLE")
    difference = compare(Listing(listing.inputs, refused), known)
    assert (len(difference.again), difference.known) == (0, 1)


@pytest.mark.parametrize("lacking", [["stamp", "source"], []])
def test_rows_of_shards_of_this_and_earlier_versions(tmp_path: Path, lacking: list[str]) -> None:
    _, store, _ = open_world(tmp_path)
    path = write_shard(RunPlaces.of(store, "p", 1), "u_0", ["a", "b"], {"b": "EMPTY"}, source="s")
    pq.write_table(pq.read_table(path).drop_columns(lacking), path)
    rows = known_rows(store, manifest_of(store, path), ["s"])
    assert rows["id"].to_pylist() == ["a", "b"]
    assert rows["reject_reason"].to_pylist() == [None, "EMPTY"]
    assert rows["listed"].to_pylist() == [not lacking] * 2
