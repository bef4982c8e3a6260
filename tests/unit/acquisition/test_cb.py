from dataclasses import replace

import numpy as np

from poolscore.acquisition.cb import ClassGuided, class_guided, nearest_unlabeled, share
from poolscore.acquisition.kmeans import Clusters
from tests.unit.acquisition.views import synthetic, unit


def clusters_of(assignment: list[int], centroids: np.ndarray) -> Clusters:
    return Clusters(
        centroids.astype(np.float32), np.array(assignment), np.zeros(len(assignment), np.float32)
    )


def test_the_feature_is_image_beside_expected_text() -> None:
    v, t = np.array([[0.6, 0.8]]), np.array([[1.0, 0.0], [0.0, 1.0]], np.float32)
    p = np.array([[0.25, 0.75]], np.float32)
    expected = np.array([0.6, 0.8, 0.25, 0.75]) / np.sqrt(1.0 + 0.0625 + 0.5625)
    np.testing.assert_allclose(class_guided(v, p, t)[0], expected, atol=1e-6)


def test_the_cluster_with_the_smallest_labeled_share_is_asked() -> None:
    # Two labeled, in clusters 0 and 1. Sizes 3, 4, 2, 1 and shares 1/3, 1/4, 0, 0.
    clusters = clusters_of([0, 1, 0, 0, 1, 1, 1, 2, 2, 3], np.zeros((4, 1)))
    # 2 is larger than 3; then 3, which is used up; then 1/4, then 1/3, then 2 and 1 at one half.
    assert share(clusters, 2, 6).tolist() == [2, 3, 1, 0, 1, 2]


def test_a_cluster_that_is_all_labeled_gives_nothing() -> None:
    clusters = clusters_of([0, 0, 1, 1, 1], np.zeros((3, 1)))
    assert share(clusters, 2, 3).tolist() == [1, 1, 1]


def test_queries_go_to_unlabeled_images_by_cosine() -> None:
    points = unit(np.array([[1.0, 0.0], [1.0, 0.1], [1.0, 0.5], [0.0, 1.0], [1.0, 0.2]]))
    clusters = clusters_of([0, 0, 0, 1, 0], np.array([[0.5, 0.0], [0.0, 2.0]]))
    rows, cosine = nearest_unlabeled(points, clusters, 2, np.array([0, 1, 0]))
    assert rows.tolist() == [4, 3, 2]
    np.testing.assert_allclose(cosine, [1 / np.sqrt(1.04), 1.0, 1 / np.sqrt(1.25)], atol=1e-6)


def grouped(labels: int) -> tuple[np.ndarray, np.ndarray]:
    """Four tight groups of ten images, and labeled ones in the first of them."""
    rng = np.random.default_rng(0)
    corners = np.repeat(np.eye(4, 8), 10, axis=0)
    return unit(corners + 0.05 * rng.normal(size=(40, 8))), unit(
        np.eye(4, 8)[:labels] + 0.05 * rng.normal(size=(labels, 8))
    )


def test_the_first_round_takes_one_image_a_cluster() -> None:
    features, _ = grouped(0)
    flat = np.full((40, 4), 0.25, np.float32)
    view = replace(synthetic(40, 4, labels=0), features_ND=features, probabilities_NC=flat)
    choice = ClassGuided().query(view, 4, np.random.default_rng(1))
    assert sorted((choice.rows // 10).tolist()) == [0, 1, 2, 3]
    assert "typical of 10 images" in choice.reasons[0]


def test_later_rounds_go_where_nothing_is_labeled() -> None:
    features, known = grouped(2)
    view = synthetic(40, 4, labels=2)
    assert view.labeled is not None
    assert view.probabilities_NC is not None
    flat = np.full((40, 4), 0.25, np.float32)
    labeled = replace(view.labeled, features_LD=known, probabilities_LC=flat[:2])
    view = replace(view, features_ND=features, labeled=labeled, probabilities_NC=flat)
    # Two queries, two labels: four clusters, of which the first two hold a label.
    choice = ClassGuided().query(view, 2, np.random.default_rng(1))
    assert sorted((choice.rows // 10).tolist()) == [2, 3]
    assert "0 of them labeled" in choice.reasons[0]
