import numpy as np
from sklearn.neighbors import NearestNeighbors

from poolscore.neighbours.exact import nearest_neighbours
from tests.unit.acquisition.views import unit


def test_neighbours_are_those_of_scikit_learn() -> None:
    features = unit(np.random.default_rng(0).normal(size=(300, 16)))
    ours = nearest_neighbours(features, 7)
    oracle = NearestNeighbors(n_neighbors=7, metric="cosine").fit(features)
    distance, rows = oracle.kneighbors()
    assert np.array_equal(ours.rows_NK, rows)
    np.testing.assert_allclose(ours.similarity_NK, 1.0 - distance, atol=1e-5)
    assert (ours.rows_NK.dtype, ours.similarity_NK.dtype) == (np.int32, np.float32)


def test_an_image_is_never_its_own_neighbour_but_its_duplicate_is() -> None:
    features = np.repeat(unit(np.eye(3)), 30, axis=0)
    found = nearest_neighbours(features.astype(np.float16), 5)
    assert (found.rows_NK != np.arange(90)[:, None]).all()
    assert (found.rows_NK // 30 == np.arange(90)[:, None] // 30).all()
    assert all(len(set(row)) == 5 for row in found.rows_NK.tolist())
    np.testing.assert_allclose(found.similarity_NK, 1.0, atol=1e-3)


def test_small_pools_have_fewer() -> None:
    for count, expected in ((0, 0), (1, 0), (2, 1), (4, 3)):
        assert nearest_neighbours(unit(np.ones((count, 2)))).rows_NK.shape == (count, expected)
