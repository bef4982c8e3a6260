import numpy as np
import pytest

from poolscore.correctness.evidence import evidence, log_odds, neighbour_support
from poolscore.scoring.types import Scores


def scores(probability: list[float], p_clean: list[float]) -> Scores:
    count = len(probability)
    zero = np.zeros(count, np.float32)
    p, clean = np.array(probability, np.float32), np.array(p_clean, np.float32)
    return Scores(np.zeros(count, np.int32), p, zero, zero, clean)


def test_support_is_the_mean_probability_of_the_predicted_class() -> None:
    p_NC = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]], np.float32)
    rows_NK = np.array([[1, 2], [0, 2], [0, 1]])
    support = neighbour_support(p_NC, np.array([0, 1, 0]), rows_NK)
    # Image 0: (0.2 + 0.6) / 2; image 1: (0.1 + 0.4) / 2; image 2: (0.9 + 0.2) / 2.
    np.testing.assert_allclose(support, [0.4, 0.25, 0.55], rtol=1e-6)


def test_log_odds_stay_finite() -> None:
    np.testing.assert_allclose(log_odds(np.array([0.5, 0.8])), [0.0, np.log(4.0)])
    assert np.isfinite(log_odds(np.array([0.0, 1.0]))).all()


def test_evidence_by_hand() -> None:
    """Log-odds of two images lie one standard deviation around their mean, whatever they are."""
    found = evidence(scores([0.2, 0.9], [0.6, 0.5]), np.array([0.3, 0.7], np.float32))
    np.testing.assert_allclose(found, [-0.5 + 0.25 - 1.0, 0.5 - 0.25 + 1.0])


def test_a_witness_that_says_the_same_of_all_says_nothing() -> None:
    found = evidence(scores([0.2, 0.9], [0.5, 0.5]), np.array([0.4, 0.4], np.float32))
    np.testing.assert_allclose(found, [-0.5, 0.5])
    assert evidence(scores([], []), np.empty(0, np.float32)).shape == (0,)


def test_units_do_not_matter() -> None:
    """Sharper prompts give the same evidence: log-odds are measured in their own spread."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=50)
    soft, sharp = (1 / (1 + np.exp(-scale * z)) for scale in (0.5, 2.0))
    half = np.full(50, 0.5, np.float32)
    first, second = (evidence(scores(p.tolist(), half.tolist()), half) for p in (soft, sharp))
    assert first == pytest.approx(second, abs=1e-4)
