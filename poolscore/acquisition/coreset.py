"""CoreSet: images that cover the pool (Sener and Savarese, ICLR 2018, arXiv 1708.00489)."""

import numpy as np

from poolscore.acquisition.base import Choice, Need, PoolView
from poolscore.acquisition.farthest_first import farthest_first
from poolscore.acquisition.id_order import in_id_order
from poolscore.acquisition.supplied import require


class CoreSet:
    """Greedy k-centre on the embeddings, from the labeled images on.

    [A] Algorithm 1 of the paper: the image farthest from everything labeled or chosen, B times.
    [B] kaist-dmlab/pcb: Euclidean distance of normalised features. [C] Without labels it starts
    from the image nearest to the mean. Runs in the order of the ids; cost N x B x D.
    """

    name = "coreset"
    needs = frozenset({Need.FEATURES, Need.LABELED})
    most = 300_000
    batchwise = True

    def query(self, view: PoolView, batch_size: int, rng: np.random.Generator) -> Choice:
        """Return min(batch_size, N) rows; the utility is the distance to the nearest centre."""
        del rng
        view, order = in_id_order(view)
        given = require(view, self)
        start = given.labeled.features_LD.astype(np.float32)
        rows, far = farthest_first(given.features_ND, start, batch_size)
        covered = f"the {len(start):,} labeled and already chosen" if len(start) else "all chosen"
        reasons = [f"farthest from {covered} images: distance {d:.2f}" for d in far.tolist()]
        if len(rows) and not len(start):
            reasons[0] = "nearest to the middle of the pool, where a cover starts without labels"
        return Choice(order[rows], far, reasons)
