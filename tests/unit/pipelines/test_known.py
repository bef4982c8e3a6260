import pyarrow as pa

from pipelines.known import compare
from pipelines.sources.entry import ABSENT
from pipelines.sources.listing import INPUT_SCHEMA, REFUSED_SCHEMA, Listing


def _listing(stamps: dict[str, str | None]) -> Listing:
    ids = list(stamps)
    columns = [ids, ids, ["s"] * len(ids), list(stamps.values())]
    inputs = pa.table([pa.array(each, pa.string()) for each in columns], schema=INPUT_SCHEMA)
    return Listing(inputs, REFUSED_SCHEMA.empty_table())


def _known(stamps: dict[str, str | None], listed: bool = True) -> pa.Table:
    columns = {
        "id": pa.array(stamps, pa.string()),
        "stamp": pa.array(stamps.values(), pa.string()),
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
