"""Evidence that a prediction is right: what the prompts say and what the neighbours say [C].

Shapes: n predictions, N images of the pool, K neighbours, C classes.
"""

import numpy as np
import numpy.typing as npt

from poolscore.acquisition.base import Float32
from poolscore.scoring.types import Scores

Float64 = npt.NDArray[np.float64]

WITNESSES = {"probability": 0.5, "p_clean": 0.25, "support": 1.0}
"""Weights of the largest probability, of p_clean and of the neighbours' support."""
_SMALLEST = 1e-4
"""Probabilities are taken to be at least so far from 0 and 1."""


def neighbour_support(
    probabilities_NC: Float32,
    predicted_n: npt.NDArray[np.integer],
    rows_nK: npt.NDArray[np.integer],
) -> Float32:
    """Return the mean probability that the neighbours give to the class predicted, (n,).

    An image that stands among images of another class by the same prompts is likely an error,
    however sure its own prediction is. `rows_nK` are rows of `probabilities_NC`.
    """
    return probabilities_NC[rows_nK, predicted_n[:, None]].mean(axis=1)


def evidence(scores: Scores, support_n: Float32) -> Float64:
    """Return one number a prediction, larger where it is likelier right, (n,).

    The weighted sum of the log-odds of the largest probability, of p_clean and of the neighbours'
    support, each in units of its spread over the pool. Fixed weights, not fitted ones: a batch
    has tens of outcomes, and they are those of doubtful images.
    """
    said = {"probability": scores.probability, "p_clean": scores.p_clean, "support": support_n}
    found_n = np.zeros(len(scores))
    for witness, weight in WITNESSES.items():
        found_n += weight * _in_spreads(said[witness])
    return found_n


def log_odds(p_n: npt.NDArray[np.floating]) -> Float64:
    """Return log(p / (1 - p)) of probabilities."""
    clipped_n = np.clip(p_n.astype(np.float64), _SMALLEST, 1 - _SMALLEST)
    return np.log(clipped_n) - np.log1p(-clipped_n)


def _in_spreads(p_n: npt.NDArray[np.floating]) -> Float64:
    """Log-odds, centred, in units of their standard deviation; zero where all are equal."""
    odds_n = log_odds(p_n)
    spread = odds_n.std() if len(odds_n) else 0.0
    return (odds_n - odds_n.mean()) / spread if spread > 1e-9 else np.zeros(len(odds_n))
