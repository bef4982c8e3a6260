from dataclasses import replace

import numpy as np

from poolscore.acquisition.typiclust import TypiClust, typicality, visits
from tests.unit.acquisition.views import labeled_of, synthetic, unit


def distances(points: np.ndarray) -> np.ndarray:
    return np.linalg.norm(points[:, None].astype(np.float64) - points[None], axis=2)


def test_typicality_is_the_inverse_mean_distance() -> None:
    points = unit(np.random.default_rng(0).normal(size=(60, 5)))
    gaps = np.sort(distances(points), axis=1)
    expected = 1.0 / (gaps[:, 1:21].mean(axis=1) + 1e-5)
    np.testing.assert_allclose(typicality(points, 20), expected, rtol=1e-4)
    half = 1.0 / (gaps[:, 1:31].mean(axis=1) + 1e-5)
    np.testing.assert_allclose(typicality(points, 100), half, rtol=1e-4)
    assert len(typicality(points[:1], 20)) == 1


def test_clusters_are_visited_by_labels_then_size() -> None:
    # Sizes 3, 2, 4, 1 and 2; the first two images are labeled, in clusters 2 and 3.
    groups = np.array([2, 3, 0, 0, 0, 1, 1, 2, 2, 2, 4, 4])
    # 3 has no open image; 1 and 4 tie and go by number.
    assert visits(groups, 2, 1) == [0, 1, 4, 2]
    assert visits(groups, 2, 3) == [0, 2]
    assert visits(groups, 2, 99) == [0, 1, 4, 2]


def groups_of(sizes: list[int], spread: float = 0.05) -> np.ndarray:
    rng = np.random.default_rng(0)
    corners = np.repeat(np.eye(len(sizes), 8), sizes, axis=0)
    return unit(corners + spread * rng.normal(size=(sum(sizes), 8)))


def test_the_densest_image_of_the_largest_group_without_labels() -> None:
    sizes = [30, 20, 10]
    features = groups_of(sizes)
    view = replace(
        synthetic(60, 3),
        ids=np.array([f"{row:02d}" for row in range(60)]),
        features_ND=features,
        labeled=labeled_of(unit(np.eye(1, 8)), [0]),
    )
    choice = TypiClust().query(view, 2, np.random.default_rng(0))
    # Three clusters for one label and two queries; the group of 30 holds the label.
    densest = [
        start + int(np.sort(distances(features[start:end]))[:, 1 : half + 1].mean(axis=1).argmin())
        for start, end, half in ((30, 50, 10), (50, 60, 5))
    ]
    assert choice.rows.tolist() == densest
    assert choice.reasons[0].startswith("the most typical of 20 similar images, 0 labeled")


def test_more_queries_than_clusters_go_around_again() -> None:
    view = replace(synthetic(30, 3, labels=0), features_ND=groups_of([12, 10, 8]))
    choice = TypiClust(max_clusters=3).query(view, 7, np.random.default_rng(0))
    group = np.repeat([0, 1, 2], [12, 10, 8])
    assert group[choice.rows].tolist() == [0, 1, 2, 0, 1, 2, 0]


def test_small_clusters_wait_for_the_end() -> None:
    view = replace(synthetic(22, 3, labels=0), features_ND=groups_of([3, 10, 9]))
    choice = TypiClust(max_clusters=3).query(view, 22, np.random.default_rng(0))
    assert sorted(choice.rows[-3:].tolist()) == [0, 1, 2]
    assert "by entropy" in choice.reasons[-1]
