from dataclasses import replace

import numpy as np
import pytest

from poolscore.acquisition.coverage import Coverage
from poolscore.acquisition.id_order import in_id_order
from tests.unit.acquisition.views import labeled_of, scores_of, synthetic, unit


def greedy(
    features: np.ndarray, known: np.ndarray, doubt: np.ndarray, size: int
) -> tuple[list[int], list[float]]:
    """The definition in float64: every gain anew at every step; rows and gains."""
    features, known = features.astype(np.float64), known.astype(np.float64)
    middle = features.mean(axis=0)
    scale = (1.0 - middle @ middle) / 6.0
    kernel = np.exp((np.minimum(features @ features.T, 1.0) - 1.0) / scale)
    covered = np.exp((np.minimum(known @ features.T, 1.0) - 1.0) / scale).max(0, initial=0.0)
    picks: list[int] = []
    best: list[float] = []
    for _ in range(size):
        gains = np.maximum(kernel - covered, 0.0) @ doubt
        gains[picks] = -1.0
        picks.append(int(gains.argmax()))
        best.append(float(gains.max()))
        covered = np.maximum(covered, kernel[picks[-1]])
    return picks, best


@pytest.mark.parametrize("labels", [0, 12])
def test_the_lazy_search_finds_what_the_definition_says(labels: int) -> None:
    view, _ = in_id_order(synthetic(300, 5, labels=labels))
    choice = Coverage().query(view, 40, np.random.default_rng(0))
    assert view.features_ND is not None
    assert view.labeled is not None
    doubt = 1.0 - view.scores.margin.astype(np.float64) + 1e-6
    rows, gains = greedy(view.features_ND, view.labeled.features_LD, doubt, 40)
    assert choice.rows[:10].tolist() == rows[:10]
    # Where two gains agree in float32 the order may differ, what is covered does not.
    np.testing.assert_allclose(choice.utilities, gains, rtol=1e-4)
    assert np.all(np.diff(choice.utilities) <= 1e-6)


def test_it_asks_where_doubtful_images_are_many_and_nothing_is_labeled() -> None:
    centres = np.eye(8)[:4]
    counts = [50, 30, 40, 2]
    rng = np.random.default_rng(1)
    group = np.repeat(np.arange(4), counts)
    features = unit(centres[group] + 0.05 * rng.normal(size=(len(group), 8)))
    # The largest group is labeled already; of the others the third one is not in doubt.
    probability = np.where(group == 2, 0.999, 0.5)
    view = replace(
        synthetic(len(group), 2),
        features_ND=features,
        scores=scores_of(np.stack([probability, 1.0 - probability], axis=1)),
        labeled=labeled_of(unit(centres[:1]), [0]),
    )
    choice = Coverage().query(view, 1, np.random.default_rng(0))
    assert group[choice.rows].tolist() == [1]
    assert "resembles about 30 images" in choice.reasons[0]


def test_a_large_pool_is_represented_by_a_draw() -> None:
    view = synthetic(2000, 4)
    small = Coverage(targets=200, candidates=100)
    first = small.query(view, 20, np.random.default_rng(3))
    again = small.query(view, 20, np.random.default_rng(3))
    other = small.query(view, 20, np.random.default_rng(4))
    assert first.rows.tolist() == again.rows.tolist()
    assert first.rows.tolist() != other.rows.tolist()
    assert len(set(first.rows.tolist())) == 20
