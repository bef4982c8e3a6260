from typing import Any

import numpy as np
import pytest
from sklearn.cluster import KMeans

from poolscore.acquisition.kmeans import draw, kmeans, seed_rows


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def blobs(per_blob: int = 40, blobs: int = 5, seed: int = 0) -> np.ndarray:
    """Points around far apart corners, blob after blob."""
    source = rng(seed)
    corners = 10.0 * np.eye(blobs, 6)
    return np.concatenate(
        [corner + source.normal(size=(per_blob, 6)) for corner in corners]
    ).astype(np.float32)


def inertia(fitted: KMeans) -> float:
    assert fitted.inertia_ is not None
    return fitted.inertia_


def test_separate_groups_are_found() -> None:
    clusters = kmeans(blobs(), 5, rng())
    groups = clusters.assignment_N.reshape(5, 40)
    assert (groups == groups[:, :1]).all()
    assert len(np.unique(groups)) == 5
    assert clusters.sizes().tolist() == [40] * 5


@pytest.mark.parametrize("weighted", [False, True])
def test_from_its_result_scikit_learn_moves_no_further(weighted: bool) -> None:
    points = rng(3).normal(size=(300, 4)).astype(np.float32)
    weights = rng(4).random(300) if weighted else None
    clusters = kmeans(points, 7, rng(), weights, iterations=300)
    start: Any = clusters.centroids_KD  # typed as a name by scikit-learn
    oracle = KMeans(7, init=start, tol=0.0, max_iter=50)
    oracle.fit(points, sample_weight=weights)
    assert oracle.labels_ is not None
    assert oracle.labels_.tolist() == clusters.assignment_N.tolist()
    np.testing.assert_allclose(oracle.cluster_centers_, clusters.centroids_KD, atol=1e-5)
    mass = clusters.squared_N if weights is None else weights * clusters.squared_N
    assert mass.sum() == pytest.approx(inertia(oracle), rel=1e-5)


def test_inertia_is_about_that_of_scikit_learn() -> None:
    points = rng(5).normal(size=(500, 8)).astype(np.float32)
    ours = np.mean([kmeans(points, 20, rng(seed)).squared_N.sum() for seed in range(10)])
    theirs = [inertia(KMeans(20, random_state=seed).fit(points)) for seed in range(10)]
    assert ours < 1.01 * np.mean(theirs)


def test_weights_pull_the_centroid() -> None:
    points = np.array([[0.0], [1.0], [10.0], [11.0]], np.float32)
    clusters = kmeans(points, 2, rng(), np.array([3.0, 1.0, 1.0, 1.0]))
    assert sorted(clusters.centroids_KD[:, 0].tolist()) == [0.25, 10.5]


def test_points_without_weight_are_assigned_but_pull_nothing() -> None:
    points = np.array([[0.0], [1.0], [10.0], [12.0]], np.float32)
    clusters = kmeans(points, 2, rng(), np.array([1.0, 0.0, 1.0, 0.0]))
    assert sorted(clusters.centroids_KD[:, 0].tolist()) == [0.0, 10.0]
    assert clusters.assignment_N[0] == clusters.assignment_N[1]


def test_as_many_clusters_as_points_or_more() -> None:
    points = blobs(2, 3)
    for count in (6, 60):
        clusters = kmeans(points, count, rng())
        assert clusters.assignment_N.tolist() == list(range(6))
        assert clusters.nearest().tolist() == list(range(6))


def test_identical_points_leave_clusters_empty() -> None:
    clusters = kmeans(np.ones((9, 2), np.float32), 3, rng())
    assert clusters.sizes().sum() == 9
    assert clusters.nearest().tolist() == [0]


def test_nearest_rows_by_hand() -> None:
    points = np.array([[0.0], [1.0], [2.0], [10.0], [14.0], [12.5]], np.float32)
    clusters = kmeans(points, 2, rng())
    assert sorted(clusters.nearest().tolist()) == [1, 5]


def test_seeds_are_drawn_by_weight_times_squared_distance() -> None:
    points = np.array([[0.0], [1.0], [3.0]], np.float32)
    weights = np.array([1.0, 9.0, 1.0])
    source, counts = rng(1), np.zeros((3, 3))
    for _ in range(4000):
        first, second = seed_rows(points, 2, source, weights).tolist()
        counts[first, second] += 1
    # First by weight: 1/11, 9/11, 1/11. After row 1: row 0 at 1 and row 2 at 4, so 1 : 4, and of
    # two draws the better, row 2, is taken: all but 0.2^2.
    assert counts[1].sum() / 4000 == pytest.approx(9 / 11, abs=0.03)
    assert counts[1, 2] / counts[1].sum() == pytest.approx(0.96, abs=0.02)
    assert counts.trace() == 0


def test_draws_never_hit_a_zero() -> None:
    assert len(draw(np.zeros(3), rng(), 5)) == 0
    hits = draw(np.array([0.0, 1.0, 0.0, 2.0, 0.0]), rng(), 200)
    assert set(hits.tolist()) == {1, 3}


def test_no_clusters_is_an_error() -> None:
    with pytest.raises(ValueError, match="0 clusters"):
        kmeans(blobs(), 0, rng())
