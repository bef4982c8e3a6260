"""The images whose class probabilities are the most spread out (Settles 2009, section 3.1)."""

import numpy as np

from poolscore.acquisition.base import Choice, Need, PoolView
from poolscore.acquisition.ordering import lowest


class Entropy:
    """Highest entropy of the class probabilities first."""

    name = "entropy"
    needs = frozenset[Need]()
    most = None
    batchwise = False

    def query(self, view: PoolView, batch_size: int, rng: np.random.Generator) -> Choice:
        """Return min(batch_size, N) rows; the utility is the entropy in nats."""
        del rng
        scores = view.scores
        rows = lowest(-scores.entropy, view.ids, batch_size)
        reasons = [
            f"entropy {h:.2f} nats: the likeliest class is '{view.classes[k]}' with only {p:.2f}"
            for h, k, p in zip(
                scores.entropy[rows].tolist(),
                scores.predicted[rows].tolist(),
                scores.probability[rows].tolist(),
                strict=True,
            )
        ]
        return Choice(rows, scores.entropy[rows].astype(np.float64), reasons)
