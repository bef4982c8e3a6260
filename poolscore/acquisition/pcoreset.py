"""PCoreSet: cover the space of predictions (ActiveKD, arXiv 2506.00910; code erjui/PCoreSet)."""

import numpy as np

from poolscore.acquisition.base import Choice, Need, PoolView
from poolscore.acquisition.farthest_first import farthest_first
from poolscore.acquisition.id_order import in_id_order
from poolscore.acquisition.supplied import require


class PCoreSet:
    """Greedy k-centre on the class probabilities, from the labeled images' predictions on.

    [B] erjui/PCoreSet: Euclidean on the softmax. [C] Without labels it starts from the image whose
    prediction is nearest to the mean prediction. Runs in the order of the ids; cost N x B x C.
    """

    name = "pcoreset"
    needs = frozenset({Need.PROBABILITIES, Need.LABELED})
    most = 1_000_000
    batchwise = True

    def query(self, view: PoolView, batch_size: int, rng: np.random.Generator) -> Choice:
        """Return min(batch_size, N) rows; the utility is the distance to the nearest centre."""
        del rng
        view, order = in_id_order(view)
        given = require(view, self)
        start = given.labeled.probabilities_LC.astype(np.float32)
        rows, far = farthest_first(given.probabilities_NC, start, batch_size)
        reasons = [
            f"its prediction, '{view.classes[k]}' with {p:.2f}, is unlike those of all images "
            f"labeled or chosen: distance {d:.2f}"
            for k, p, d in zip(
                view.scores.predicted[rows].tolist(),
                view.scores.probability[rows].tolist(),
                far.tolist(),
                strict=True,
            )
        ]
        if len(rows) and not len(start):
            reasons[0] = (
                "its prediction is nearest to the mean: a cover without labels starts there"
            )
        return Choice(order[rows], far, reasons)
