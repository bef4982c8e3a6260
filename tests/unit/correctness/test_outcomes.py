import numpy as np
import pytest
from scipy.optimize import minimize  # pyright: ignore[reportMissingTypeStubs]

from poolscore.correctness.outcomes import calibrated, fit_outcomes
from poolscore.scoring.types import Scores


def test_without_outcomes_the_prior_stands() -> None:
    model = fit_outcomes(np.empty(0), np.empty(0, np.bool_), expected=0.8)
    assert model.slope == pytest.approx(1.0)
    assert model.p_correct(np.array([0.0]))[0] == pytest.approx(0.8)


def test_it_is_the_maximum_of_the_posterior() -> None:
    rng = np.random.default_rng(1)
    evidence = rng.normal(size=40)
    right = rng.random(40) < 1 / (1 + np.exp(-(0.3 + 2.0 * evidence)))
    intercept = np.log(0.4 / 0.6)

    def loss(weights: np.ndarray) -> float:
        logit = weights[0] * evidence + weights[1]
        likelihood = np.where(right, -np.log1p(np.exp(-logit)), -np.log1p(np.exp(logit))).sum()
        prior = 0.5 * (4.0 * (weights[0] - 1.0) ** 2 + (weights[1] - intercept) ** 2)
        return float(prior - likelihood)

    expected = minimize(loss, np.array([1.0, intercept]), method="BFGS", tol=1e-10).x
    model = fit_outcomes(evidence, right, expected=0.4)
    assert (model.slope, model.intercept) == pytest.approx(tuple(expected), abs=1e-5)


def test_wrong_predictions_lower_the_probability() -> None:
    evidence = np.array([2.0, 2.5, 1.5, 2.0])
    sure = fit_outcomes(evidence, np.ones(4, np.bool_), expected=0.7)
    not_sure = fit_outcomes(evidence, np.zeros(4, np.bool_), expected=0.7)
    prior = fit_outcomes(evidence[:0], np.empty(0, np.bool_), expected=0.7)
    high = np.array([2.0])
    assert not_sure.p_correct(high) < prior.p_correct(high) < sure.p_correct(high)


def test_predictions_are_judged_by_the_answers_to_some() -> None:
    probability = np.array([0.9, 0.6, 0.6], np.float32)
    rest = np.zeros(3, np.float32)
    scores = Scores(np.array([2, 1, 0], np.int32), probability, rest, rest, rest)
    evidence = np.array([1.0, -1.0, 0.5])
    found = calibrated(evidence, scores, np.array([1, 0]), np.array([1, 0]))
    model = fit_outcomes(evidence[[1, 0]], np.array([True, False]), expected=0.7)
    assert found == pytest.approx(model.p_correct(evidence))
