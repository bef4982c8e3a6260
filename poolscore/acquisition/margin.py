"""The images whose two likeliest classes are nearly tied (Scheffer et al. 2001)."""

import numpy as np

from poolscore.acquisition.base import Choice, Need, PoolView
from poolscore.acquisition.ordering import lowest


class Margin:
    """Smallest difference of the two largest class probabilities first."""

    name = "margin"
    needs = frozenset[Need]()
    most = None
    batchwise = False

    def query(self, view: PoolView, batch_size: int, rng: np.random.Generator) -> Choice:
        """Return min(batch_size, N) rows; the utility is 1 - margin."""
        del rng
        scores = view.scores
        rows = lowest(scores.margin, view.ids, batch_size)
        reasons = [
            f"'{view.classes[k]}' leads the next class by only {m:.3f}"
            for m, k in zip(
                scores.margin[rows].tolist(), scores.predicted[rows].tolist(), strict=True
            )
        ]
        return Choice(rows, 1.0 - scores.margin[rows].astype(np.float64), reasons)
