from dataclasses import replace

import numpy as np

from poolscore.acquisition.cec import Cec, around, calibrated, entropy
from poolscore.neighbours.lists import Neighbours
from tests.unit.acquisition.views import softmax, synthetic, unit

P = np.array([[0.8, 0.2], [0.6, 0.4], [0.9, 0.1], [0.5, 0.5]], np.float32)


def transcription(p: np.ndarray, top: int) -> np.ndarray:
    """Calibration as it is written, class by class, in float64."""
    p = p.astype(np.float64)
    prior = [np.sort(p[:, c])[::-1][:top].mean() for c in range(p.shape[1])]
    q = p / np.array(prior)
    return q / q.sum(axis=1, keepdims=True)


def test_calibration_by_hand() -> None:
    # The two largest of class 0 are .9 and .8, of class 1 .5 and .4: priors .85 and .45.
    first = np.array([0.8 / 0.85, 0.2 / 0.45])
    np.testing.assert_allclose(calibrated(P, 2)[0], first / first.sum(), atol=1e-6)


def test_calibration_is_the_formula() -> None:
    p = softmax(3.0 * np.random.default_rng(0).normal(size=(400, 6)))
    np.testing.assert_allclose(calibrated(p, 32), transcription(p, 32), atol=1e-6)


def test_the_top_is_capped_at_a_class_share_of_the_pool() -> None:
    np.testing.assert_allclose(calibrated(P, 32), transcription(P, 2), atol=1e-6)


def test_a_class_that_nothing_resembles_does_not_break_it() -> None:
    q = calibrated(np.array([[1.0, 0.0], [1.0, 0.0]], np.float32), 32)
    np.testing.assert_allclose(q, [[1.0, 0.0], [1.0, 0.0]])
    np.testing.assert_allclose(entropy(q), 0.0)


def test_neighbour_uncertainty_by_hand() -> None:
    rows = np.array([[1, 2, 3], [0, 2, 3], [3, 0, 1], [0, 1, 2]])
    cosine = np.array([[0.6, 0.2, 0.1], [0.5, -0.5, -0.9], [-0.1, -0.2, -0.3], [1.0, 1.0, 1.0]])
    h = np.array([1.0, 2.0, 4.0, 8.0])
    found = around(h, Neighbours(rows, cosine.astype(np.float32)), 2)
    # (.6*2 + .2*4) / .8; negative cosines count nothing; none positive: plain mean; plain mean.
    np.testing.assert_allclose(found, [2.5, 1.0, 4.5, 1.5], atol=1e-6)


def test_one_image_of_each_group_nearest_to_its_middle() -> None:
    rng = np.random.default_rng(0)
    corners = np.eye(3, 8)
    points = np.concatenate([corner + 0.1 * rng.normal(size=(20, 8)) for corner in corners])
    points[[0, 20, 40]] = corners
    view = replace(
        synthetic(60, 4),
        ids=np.array([f"{row:02d}" for row in range(60)]),
        features_ND=unit(points),
    )
    choice = Cec().query(view, 3, np.random.default_rng(0))
    assert sorted((choice.rows // 20).tolist()) == [0, 1, 2]
    assert list(choice.utilities) == sorted(choice.utilities, reverse=True)
    assert choice.reasons[0].startswith("stands for 20 similar images: calibrated entropy")


def test_the_utility_is_own_and_half_the_neighbours_uncertainty() -> None:
    view = synthetic(90, 3)
    assert view.probabilities_NC is not None
    assert view.neighbours is not None
    h = entropy(transcription(view.probabilities_NC, 30))
    weight = np.maximum(view.neighbours.similarity_NK[:, :10], 0.0).astype(np.float64)
    near = (weight * h[view.neighbours.rows_NK[:, :10]]).sum(axis=1) / weight.sum(axis=1)
    choice = Cec().query(view, 9, np.random.default_rng(0))
    np.testing.assert_allclose(choice.utilities, (h + 0.5 * near)[choice.rows], atol=1e-5)


def test_more_weight_draws_the_choice_to_the_uncertain_side() -> None:
    # One cluster on a line of directions: its weighted centre lies where the entropy is.
    angles = np.radians(np.linspace(0.0, 60.0, 61))
    points = np.zeros((61, 8), np.float32)
    points[:, 0], points[:, 1] = np.cos(angles), np.sin(angles)
    p = np.tile(np.array([[0.99, 0.01]], np.float32), (61, 1))
    p[41:] = 0.5
    view = replace(
        synthetic(61, 2, labels=0),
        ids=np.array([f"{row:02d}" for row in range(61)]),
        features_ND=points,
        probabilities_NC=p,
    )
    sure = Cec(beta=0.0).query(
        replace(view, probabilities_NC=np.full((61, 2), 0.5, np.float32)),
        1,
        np.random.default_rng(0),
    )
    assert sure.rows.tolist() == [30]
    assert Cec(beta=0.0).query(view, 1, np.random.default_rng(0)).rows[0] > 40
