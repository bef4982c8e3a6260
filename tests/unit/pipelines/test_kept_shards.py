from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines import kept_shards
from pipelines.kept_shards import count_changed, keep_shards
from pipelines.places import RunPlaces, Store
from poolscore.store.files import absolute
from poolscore.store.manifest import Manifest
from poolscore.store.shards import read_shard
from tests.shards_world import embeddings, manifest_of, open_world, write_shard

VECTORS = embeddings(5)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_world(tmp_path)[1]


@pytest.fixture
def base(store: Store) -> Manifest:
    places = RunPlaces.of(store, "p", 1)
    first = write_shard(places, "u_0", list("abcde"), {"b": "EMPTY"}, vectors=VECTORS)
    return manifest_of(store, first, write_shard(places, "u_1", ["f"], contents="old"))


def test_only_shards_with_dropped_rows_are_written_again(
    store: Store, base: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_shards, "_ROWS", 2)
    places = RunPlaces.of(store, "p", 2)
    kept = keep_shards(store, places, base, pa.array(["b", "d", "unknown"]))
    rewritten, shared = kept.shards
    assert shared == base.shards[1]
    assert rewritten.path.startswith("pools/p/runs/2/kept/")
    assert (rewritten.rows, rewritten.embedded, rewritten.rejected) == (3, 3, 0)
    assert kept.rejects == {}
    assert kept.dropped["id"].to_pylist() == ["b", "d"]
    path = absolute(store[1], rewritten.path)
    data = read_shard(store[0], path)
    assert data.ids.to_pylist() == ["a", "c", "e"]
    assert np.array_equal(data.embeddings_ND, VECTORS[[0, 2, 4]])
    before = pq.read_schema(absolute(store[1], base.shards[0].path))
    assert pq.read_schema(path).equals(before, check_metadata=True)
    content = Path(path).read_bytes()
    assert keep_shards(store, places, base, pa.array(["b", "d"])).shards == kept.shards
    assert Path(path).read_bytes() == content


def test_a_shard_that_loses_all_rows_disappears(store: Store, base: Manifest) -> None:
    places = RunPlaces.of(store, "p", 2)
    assert keep_shards(store, places, base, pa.array(["f"])).shards == base.shards[:1]
    assert not Path(places.kept).exists()


def test_nothing_dropped_and_nothing_to_keep(store: Store, base: Manifest) -> None:
    places = RunPlaces.of(store, "p", 2)
    nothing = pa.array([], pa.string())
    assert keep_shards(store, places, base, nothing).shards == base.shards
    assert keep_shards(store, places, None, pa.array(["a"])).shards == ()


def test_a_change_is_other_content(store: Store, base: Manifest) -> None:
    places = RunPlaces.of(store, "p", 2)
    dropped = keep_shards(store, places, base, pa.array(["a", "f"])).dropped
    same = write_shard(places, "v_0", ["a", "new"], contents="")
    other = write_shard(places, "v_1", ["f"], contents="other")
    assert count_changed(store, [str(same)], dropped) == 0
    assert count_changed(store, [str(same), str(other)], dropped) == 1
