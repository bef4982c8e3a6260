from dataclasses import replace

import numpy as np

from poolscore.acquisition.badge import Badge, residual, spread
from tests.unit.acquisition.views import scores_of, softmax, synthetic, unit


def gradients(features: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Gradient embeddings as they are written: every class's block of f (1[c = yhat] - p_c)."""
    f, p = features.astype(np.float64), p.astype(np.float64)
    a = np.eye(p.shape[1])[p.argmax(axis=1)] - p
    return (a[:, :, None] * f[:, None, :]).reshape(len(f), -1)


def transcription(embedding: np.ndarray, count: int, rng: np.random.Generator) -> list[int]:
    """k-means++ on the whole matrix, drawing by the same numbers."""
    rows = [int(np.linalg.norm(embedding, axis=1).argmax())]
    while len(rows) < count:
        squared = ((embedding[:, None] - embedding[rows][None]) ** 2).sum(axis=2).min(axis=1)
        squared[rows] = 0.0
        total = np.cumsum(squared)
        rows.append(int(np.searchsorted(total, rng.random() * total[-1], side="right")))
    return rows


def random_pool(count: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    return unit(rng.normal(size=(count, 9))), softmax(2.0 * rng.normal(size=(count, 4)))


def test_the_rows_are_those_of_the_whole_matrix() -> None:
    features, p = random_pool(150)
    for seed in range(5):
        rows, _ = spread(features, residual(p), 30, np.random.default_rng(seed))
        expected = transcription(gradients(features, p), 30, np.random.default_rng(seed))
        assert rows.tolist() == expected


def test_distances_are_those_of_the_whole_matrix() -> None:
    features, p = random_pool(60)
    rows, far = spread(features, residual(p), 12, np.random.default_rng(0))
    embedding = gradients(features, p)
    assert abs(far[0] - np.linalg.norm(embedding[rows[0]])) < 1e-5
    for place in range(1, 12):
        gaps = np.linalg.norm(embedding[rows[place]] - embedding[rows[:place]], axis=1)
        assert abs(far[place] - gaps.min()) < 1e-4


def test_residual_by_hand() -> None:
    p = np.array([[0.7, 0.2, 0.1], [0.3, 0.3, 0.4]], np.float32)
    np.testing.assert_allclose(residual(p), [[0.3, -0.2, -0.1], [-0.3, -0.3, 0.6]], atol=1e-6)


def test_certain_images_are_drawn_never_unless_nothing_else_is_left() -> None:
    p = np.array([[1.0, 0.0], [0.6, 0.4], [1.0, 0.0], [0.4, 0.6]], np.float32)
    view = replace(
        synthetic(4, 2),
        ids=np.array(["a", "b", "c", "d"]),
        features_ND=unit(np.eye(4)),
        probabilities_NC=p,
        scores=scores_of(p),
    )
    # Norms 0, .57, 0, .57: row 1 by id. A certain image is then at .57, row 3 at .8; once a
    # certain one is taken, the other is at 0 and only comes last.
    for seed in range(20):
        rows = Badge().query(view, 4, np.random.default_rng(seed)).rows.tolist()
        assert rows[0] == 1
        assert rows[-1] in (0, 2)
    choice = Badge().query(view, 1, np.random.default_rng(0))
    assert choice.reasons == ["the largest gradient of all 4 images: 0.57"]
