"""BADGE: diverse gradient embeddings (Ash et al., ICLR 2020, arXiv 1906.03671).

Shapes: N images, C classes, D embedding width.
"""

import numpy as np
import numpy.typing as npt

from poolscore.acquisition.base import Choice, Float32, Int64, Need, PoolView
from poolscore.acquisition.id_order import in_id_order
from poolscore.acquisition.kmeans import draw
from poolscore.acquisition.supplied import require


class Badge:
    """k-means++ seeding of the last layer's gradients under the predicted class as the label.

    [A] Algorithm 1: g(x) = f(x) (x) a(x) with a_c = 1[c = yhat] - p_c (the sign is the one of the
    descent direction; distances do not see it). [B] The first centre has the largest norm, later
    ones are drawn in proportion to the squared distance to the nearest centre (kaist-dmlab/pcb).
    The N x C*D matrix is never formed: <g, g'> = <f, f'> <a, a'>. Features are the cached
    embeddings, of norm 1. Once all gradients coincide with a centre, the largest norms follow [C].
    Runs in the order of the ids; cost N x B x (C + D).
    """

    name = "badge"
    needs = frozenset({Need.PROBABILITIES, Need.FEATURES})
    most = 300_000
    batchwise = True

    def query(self, view: PoolView, batch_size: int, rng: np.random.Generator) -> Choice:
        """Return min(batch_size, N) rows; the utility is the distance to the nearest centre."""
        view, order = in_id_order(view)
        given = require(view, self)
        features = given.features_ND
        rows, far = spread(features, residual(given.probabilities_NC), batch_size, rng)
        reasons = [
            f"its gradient as '{view.classes[k]}' ({p:.2f}) is {d:.2f} away from those chosen"
            for k, p, d in zip(
                view.scores.predicted[rows].tolist(),
                view.scores.probability[rows].tolist(),
                far.tolist(),
                strict=True,
            )
        ]
        if len(rows):
            seen = f"all {len(view.ids):,} images"
            if view.stands_for > 1:
                seen = f"the {len(view.ids):,} images looked at"
            reasons[0] = f"the largest gradient of {seen}: {far[0]:.2f}"
        return Choice(order[rows], far, reasons)


def residual(probabilities_NC: Float32) -> Float32:
    """Return a = 1[c = argmax p] - p."""
    a_NC = -probabilities_NC
    a_NC[np.arange(len(a_NC)), probabilities_NC.argmax(axis=1)] += 1.0
    return a_NC


def spread(
    f_ND: Float32, a_NC: Float32, count: int, rng: np.random.Generator
) -> tuple[Int64, npt.NDArray[np.float64]]:
    """Rows drawn by k-means++ in the space of f (x) a, and their distances when drawn."""
    count = min(count, len(f_ND))
    rows, squared = np.empty(count, np.int64), np.empty(count)
    if count <= 0:
        return rows[:0], squared[:0]
    norm_N = np.einsum("nd,nd->n", f_ND, f_ND) * np.einsum("nc,nc->n", a_NC, a_NC)
    closest_N = norm_N.copy()
    for place in range(count):
        drawn = norm_N.argmax(keepdims=True)
        if place:
            drawn = draw(closest_N.astype(np.float64), rng, 1)
        if not len(drawn):
            free = np.setdiff1d(np.arange(len(norm_N)), rows[:place])
            rows[place:] = free[np.argsort(-norm_N[free], kind="stable")][: count - place]
            squared[place:] = 0.0
            break
        row = drawn[0]
        rows[place], squared[place] = row, closest_N[row]
        product_N = (f_ND @ f_ND[row]) * (a_NC @ a_NC[row])
        distance_N = np.maximum(norm_N + norm_N[row] - 2.0 * product_N, 0.0)
        closest_N = np.minimum(closest_N, distance_N) if place else distance_N
        closest_N[rows[: place + 1]] = 0.0
    return rows, np.sqrt(squared)
