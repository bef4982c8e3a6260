"""Evidence calibrated by outcomes: predictions that were made before their label was known [C].

Answers that came after prompts were trained say how often those prompts are right. The prompts have
not learned from them, except that some of these images may have been pseudo-labels before.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from poolscore.correctness.evidence import Float64, log_odds
from poolscore.scoring.types import Scores

_SLOPE, _SLOPE_PRECISION = 1.0, 4.0
"""A spread of evidence is worth one unit of log-odds, until outcomes say otherwise."""
_INTERCEPT_PRECISION = 1.0
_STEPS, _TOLERANCE = 50, 1e-10


@dataclass(frozen=True)
class OutcomeModel:
    """Logistic in the evidence."""

    slope: float
    intercept: float

    def p_correct(self, evidence_N: Float64) -> Float64:
        """Probability of each prediction that it is right, (N,)."""
        return 1.0 / (1.0 + np.exp(-(self.slope * evidence_N + self.intercept)))


def fit_outcomes(
    evidence_n: Float64, right_n: npt.NDArray[np.bool_], expected: float
) -> OutcomeModel:
    """Return the most probable slope and intercept after these outcomes, perhaps none.

    Priors are Gaussian: the slope around 1, the intercept around the log-odds of `expected`, the
    share of right predictions that the prompts themselves expect over the pool. They matter: a
    round has tens of outcomes, and they are those of images that were asked for because of doubt.
    """
    design_n2 = np.stack([evidence_n, np.ones(len(evidence_n))], axis=1)
    prior = np.array([_SLOPE, float(log_odds(np.array([expected]))[0])])
    precision = np.array([_SLOPE_PRECISION, _INTERCEPT_PRECISION])
    weights = prior.copy()
    for _ in range(_STEPS):
        p_n = 1.0 / (1.0 + np.exp(-design_n2 @ weights))
        gradient = design_n2.T @ (p_n - right_n) + precision * (weights - prior)
        curvature = (design_n2.T * (p_n * (1 - p_n))) @ design_n2 + np.diag(precision)
        step = np.linalg.solve(curvature, gradient)
        weights = weights - step
        if np.abs(step).max() < _TOLERANCE:
            break
    return OutcomeModel(float(weights[0]), float(weights[1]))


def calibrated(
    evidence_N: Float64,
    scores: Scores,
    rows_n: npt.NDArray[np.int64],
    targets_n: npt.NDArray[np.int64],
) -> Float64:
    """Probability of each of N predictions that it is right, by the answers to some, (N,).

    Images `rows_n` have the classes `targets_n`, which the prompts have not learned from.
    """
    right_n = scores.predicted[rows_n] == targets_n
    model = fit_outcomes(evidence_N[rows_n], right_n, float(scores.probability.mean()))
    return model.p_correct(evidence_N)
