"""The images whose likeliest class is the least likely (Lewis and Gale 1994)."""

import numpy as np

from poolscore.acquisition.base import Choice, Need, PoolView
from poolscore.acquisition.ordering import lowest


class LeastConfidence:
    """Smallest probability of the predicted class first [A: Settles 2009, section 3.1]."""

    name = "least_confidence"
    needs = frozenset[Need]()
    most = None
    batchwise = False

    def query(self, view: PoolView, batch_size: int, rng: np.random.Generator) -> Choice:
        """Return min(batch_size, N) rows; the utility is 1 - probability."""
        del rng
        scores = view.scores
        rows = lowest(scores.probability, view.ids, batch_size)
        reasons = [
            f"even the likeliest class, '{view.classes[k]}', has only probability {p:.2f}"
            for p, k in zip(
                scores.probability[rows].tolist(), scores.predicted[rows].tolist(), strict=True
            )
        ]
        return Choice(rows, 1.0 - scores.probability[rows].astype(np.float64), reasons)
