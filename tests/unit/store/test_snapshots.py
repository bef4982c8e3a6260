import pytest

from poolscore.errors import FailedPreconditionError, NotFoundError
from poolscore.store.catalog import Catalog
from poolscore.store.snapshots import add_snapshot, get_snapshot, latest_snapshot
from tests.store_world import POOL, add_pool


def test_the_same_manifest_is_one_snapshot(catalog: Catalog) -> None:
    add_pool(catalog)
    assert latest_snapshot(catalog, POOL) is None
    first = add_snapshot(catalog, POOL, "m1.json", "a" * 64, 10, 2, "d" * 64, run=4)
    assert add_snapshot(catalog, POOL, "m1.json", "a" * 64, 10, 2, "d" * 64, run=4) == first
    second = add_snapshot(catalog, POOL, "m2.json", "b" * 64, 11, 2, "d" * 64)
    assert (first.number, first.run, second.number, second.run) == (1, 4, 2, None)
    assert get_snapshot(catalog, POOL, 1) == first
    assert latest_snapshot(catalog, POOL) == second
    assert second.name == "pools/pets/snapshots/2"


def test_a_snapshot_that_would_hide_another_is_refused(catalog: Catalog) -> None:
    add_pool(catalog)
    first = add_snapshot(catalog, POOL, "m1.json", "a" * 64, 10, 2, "d" * 64, after=0)
    for late in (0, 2):
        with pytest.raises(FailedPreconditionError) as caught:
            add_snapshot(catalog, POOL, "m2.json", "b" * 64, 11, 2, "d" * 64, after=late)
        assert caught.value.reason == "BASE_SUPERSEDED"
    # Its own manifest again is no other.
    assert add_snapshot(catalog, POOL, "m1.json", "a" * 64, 10, 2, "d" * 64, after=0) == first
    second = add_snapshot(catalog, POOL, "m2.json", "b" * 64, 11, 2, "d" * 64, after=1)
    assert second.number == 2


def test_a_missing_snapshot_is_named(catalog: Catalog) -> None:
    add_pool(catalog)
    with pytest.raises(NotFoundError) as caught:
        get_snapshot(catalog, POOL, 1)
    assert caught.value.reason == "SNAPSHOT_NOT_FOUND"
