from pathlib import Path

import numpy as np
import pytest

from pipelines.neighbours import make_graph
from pipelines.pool_graph import stored_groups, stored_neighbours
from pipelines.scan import scan
from poolscore.errors import AbortedError
from poolscore.neighbours.exact import nearest_neighbours
from poolscore.neighbours.graph import Graph
from poolscore.store import files
from poolscore.store.graph_file import read_graph
from poolscore.store.neighbour_graphs import find_graph
from poolscore.store.records import NeighbourGraph, Snapshot
from tests.growing_pool import ROWS, GrowingPool


@pytest.fixture
def pool(tmp_path: Path) -> GrowingPool:
    return GrowingPool(tmp_path)


def load(pool: GrowingPool, record: NeighbourGraph) -> Graph:
    return read_graph(pool.store[0], files.absolute(pool.root, record.uri))


def files_of(pool: GrowingPool) -> list[str]:
    return sorted(path.name for path in Path(pool.root, "pools/p/neighbours").iterdir())


def make(pool: GrowingPool, snapshot: Snapshot, earlier: NeighbourGraph | None = None):
    return make_graph(pool.catalog, pool.store, snapshot, 5, earlier)


def test_a_snapshot_has_the_neighbours_of_its_images(pool: GrowingPool) -> None:
    snapshot = [pool.grow() for _ in range(3)][-1]
    record = make(pool, snapshot)
    graph, embeddings = load(pool, record), scan(pool.store, snapshot)
    assert graph.ids.equals(embeddings.ids)
    expected = nearest_neighbours(embeddings.take(np.arange(3 * ROWS)), 5)
    assert np.array_equal(graph.neighbours.rows_NK, expected.rows_NK)
    assert find_graph(pool.catalog, "p", snapshot.number) == record
    assert (record.details["method"], record.details["recall"]) == ("exact", 1.0)
    assert (record.k, record.images, record.details["snapshot"]) == (5, 30, snapshot.name)


def test_a_pool_that_grows_and_shrinks_has_the_graph_that_would_be_built(pool: GrowingPool) -> None:
    first = make(pool, [pool.grow() for _ in range(4)][-1])
    for snapshot in (pool.grow(), pool.forget(2)):
        grown = make(pool, snapshot, first)
        assert grown.details["earlier"] == first.sha256
        built = make(pool, snapshot)
        assert built.sha256 == grown.sha256
        first = grown


def test_what_is_finished_is_not_made_again(pool: GrowingPool) -> None:
    snapshot = pool.grow()
    first = make(pool, snapshot)
    there = files_of(pool)
    assert len(there) == 2

    def on_rows(count: int) -> None:
        raise AssertionError("made again")

    again = make_graph(pool.catalog, pool.store, snapshot, 5, on_rows=on_rows)
    assert (again.sha256, again.details) == (first.sha256, first.details)
    assert files_of(pool) == there


def test_an_interrupted_attempt_leaves_the_graph_that_was_there(pool: GrowingPool) -> None:
    snapshot = pool.grow()
    first = make(pool, snapshot)

    def stop(count: int) -> None:
        raise AbortedError("stopped", reason="RUN_STOPPED")

    with pytest.raises(AbortedError):
        make_graph(pool.catalog, pool.store, snapshot, 7, on_rows=stop)
    assert find_graph(pool.catalog, "p", 1) == first
    assert len(files_of(pool)) == 2
    # What a killed attempt has written without its note counts for nothing.
    for note in Path(pool.root, "pools/p/neighbours").glob("*.json"):
        note.unlink()
    assert make(pool, snapshot).sha256 == first.sha256


def test_a_graph_that_is_lost_does_not_stop_the_pool_from_growing(pool: GrowingPool) -> None:
    pool.grow()
    first = make(pool, pool.grow())
    Path(files.absolute(pool.root, first.uri)).unlink()
    grown = make(pool, pool.grow(), first)
    assert grown.details["searches"] == [
        {"queries": 30, "images": 30, "exact": True, "cells": 0, "probes": 0}
    ]


def test_copies_are_grouped_by_their_hashes_and_old_shards_have_none(pool: GrowingPool) -> None:
    one, other = b"\x0f" * 16, b"\xf0" * 16
    pool.grow([one, one, *[None] * 8])
    pool.vectors["1-1"] = pool.vectors["1-0"]
    snapshot = pool.grow([other, b"\xf1" + other[1:], None, one, *[None] * 6])
    embeddings = scan(pool.store, snapshot)
    record = make_graph(pool.catalog, pool.store, snapshot, 19)
    group = stored_groups(pool.store, record, embeddings.ids)
    near = embeddings.take(np.arange(20)).astype(np.float32)
    hashed = {0: one, 1: one, 10: other, 11: other, 13: one}
    for a in range(20):
        for b in range(a):
            same = hashed.get(a, a) == hashed.get(b, b) and float(near[a] @ near[b]) >= 0.5
            assert not same or group[a] == group[b] >= 0
    assert (group[[2, 5, 12, 19]] == -1).all()
    assert record.details["images_in_groups"] == int((group >= 0).sum())


def test_a_pool_held_in_another_order_sees_the_same_graph(pool: GrowingPool) -> None:
    pool.grow([bytes(16)] * ROWS)
    snapshot = pool.grow([bytes(16)] * ROWS)
    record = make_graph(pool.catalog, pool.store, snapshot, 19)
    ids = scan(pool.store, snapshot).ids
    straight = stored_neighbours(pool.catalog, pool.store, "p", snapshot.number, ids)
    groups = stored_groups(pool.store, record, ids)
    order = np.random.default_rng(0).permutation(len(ids))
    turned = stored_neighbours(pool.catalog, pool.store, "p", snapshot.number, ids.take(order))
    assert straight is not None
    assert turned is not None
    assert np.array_equal(order[turned.rows_NK], straight.rows_NK[order])
    assert np.array_equal(stored_groups(pool.store, record, ids.take(order)), groups[order])
    # Other images, or no graph: nobody is told anything wrong.
    assert stored_neighbours(pool.catalog, pool.store, "p", snapshot.number, ids[:5]) is None
    assert stored_neighbours(pool.catalog, pool.store, "p", 1, ids) is None
