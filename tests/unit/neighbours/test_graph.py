import numpy as np
import pyarrow as pa

from poolscore.neighbours.fingerprint import fingerprints
from poolscore.neighbours.graph import Graph, places_of
from poolscore.neighbours.lists import empty_lists
from tests.unit.neighbours.clouds import cloud


def test_an_image_is_known_by_its_id_and_its_embedding() -> None:
    features = cloud(4)
    graph = Graph(
        pa.array(["a", "b", "c", "d"]),
        fingerprints(features),
        empty_lists(4, 0),
        np.full(4, -1, np.int32),
    )
    replaced = np.concatenate([features[[3, 0, 1]], cloud(1, seed=7)])
    ids = pa.array(["d", "new", "b", "c"])
    assert graph.rows_of(ids, fingerprints(replaced)).tolist() == [3, -1, 1, -1]
    assert graph.rows_of(graph.ids, fingerprints(features)).tolist() == [0, 1, 2, 3]


def test_places() -> None:
    ids = pa.array(["a", "b", "c"])
    assert places_of(ids, ids).tolist() == [0, 1, 2]
    assert places_of(pa.array(["c", "x", "a"]), ids).tolist() == [2, -1, 0]


def test_fingerprints_tell_embeddings_apart() -> None:
    for width in (1, 3, 4, 8, 10):
        features = np.random.default_rng(width).normal(size=(2000, width)).astype(np.float16)
        features = np.unique(features, axis=0)
        assert len(np.unique(fingerprints(features))) == len(features)
        assert np.array_equal(fingerprints(features.copy()), fingerprints(features))
