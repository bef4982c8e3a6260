from dataclasses import replace

import numpy as np

from poolscore.acquisition.dirichlet_vacuity import DirichletVacuity, vacuity_of
from tests.unit.acquisition.views import scores_of, softmax, synthetic


def transcription(logits: np.ndarray, clip: float = 10.0) -> np.ndarray:
    centred = logits - logits.mean(axis=1, keepdims=True)
    alpha = 1.0 + np.exp(np.clip(centred, -clip, clip))
    return logits.shape[1] / alpha.sum(axis=1)


def test_vacuity_is_the_formula_of_the_logits() -> None:
    logits = 4.0 * np.random.default_rng(0).normal(size=(200, 7))
    np.testing.assert_allclose(vacuity_of(softmax(logits), 10.0), transcription(logits), rtol=1e-4)


def test_by_hand() -> None:
    p = np.array([[0.25] * 4, [0.7, 0.1, 0.1, 0.1], [1.0, 0.0, 0.0, 0.0]], np.float32)
    # log p less (log .7 + 3 log .1) / 4, so the evidence is 7 and three times 1 over this.
    root = 7.0**0.25
    expected = [0.5, 4.0 / (4.0 + 10.0 / root), 4.0 / (4.0 + np.exp(10.0) + 3.0 * np.exp(-10.0))]
    np.testing.assert_allclose(vacuity_of(p, 10.0), expected, rtol=1e-5)


def test_least_evidence_first() -> None:
    p = np.array([[0.9, 0.1], [0.5, 0.5], [0.7, 0.3], [0.5, 0.5]], np.float32)
    view = replace(
        synthetic(4, 2),
        ids=np.array(["a", "d", "c", "b"]),
        probabilities_NC=p,
        scores=scores_of(p),
    )
    choice = DirichletVacuity().query(view, 3, np.random.default_rng(0))
    assert choice.rows.tolist() == [3, 1, 2]
    assert choice.reasons[0] == (
        "little evidence for any class: vacuity 0.50; the most is for 'class 0'"
    )
