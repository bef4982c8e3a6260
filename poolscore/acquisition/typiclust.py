"""TypiClust: typical images of clusters without labels (Hacohen et al., ICML 2022, 2202.02794).

Code of the authors: avihu111/TypiClust. Shapes: N images, L labeled, K clusters.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from poolscore.acquisition.base import NOTHING, Choice, Float32, Int64, Need, PoolView
from poolscore.acquisition.id_order import in_id_order
from poolscore.acquisition.kmeans import kmeans
from poolscore.acquisition.remainder import complete
from poolscore.acquisition.supplied import require
from poolscore.neighbours.exact import nearest_neighbours


@dataclass(frozen=True)
class TypiClust:
    """The densest image of the largest clusters that hold no label.

    [A] k-means on the embeddings with L + B clusters; typicality = inverse mean Euclidean distance
    to the 20 nearest images of the cluster; from the largest cluster without labels the most
    typical image, B times. [B] At most 500 clusters; clusters of 5 or fewer images are left out
    (unless there are no others [C]); clusters are visited by number of labels, then by size, in
    turn, and what was taken is no neighbour any more; in a small cluster the neighbours are half of
    it. [B] The code feeds squared distances; [A] the distance itself is used here. [C] When those
    clusters are used up, the rest follows by entropy.
    Runs in the order of the ids.
    """

    neighbours: int = 20
    max_clusters: int = 500
    smallest: int = 6
    name: str = "typiclust"
    needs: frozenset[Need] = frozenset({Need.FEATURES, Need.LABELED})
    most: int | None = 100_000
    batchwise: bool = True

    def query(self, view: PoolView, batch_size: int, rng: np.random.Generator) -> Choice:
        """Return min(batch_size, N) rows; the utility is the typicality in its cluster."""
        view, order = in_id_order(view)
        given, size = require(view, self), min(max(batch_size, 0), len(view.ids))
        if size == 0:
            return NOTHING
        known = given.labeled.features_LD.astype(np.float32)
        points = np.concatenate([known, given.features_ND])
        count = min(len(known) + size, self.max_clusters)
        groups = kmeans(points, count, rng).assignment_N
        queue = visits(groups, len(known), self.smallest)
        sizes, held = np.bincount(groups), np.bincount(groups[: len(known)], minlength=count)
        waiting = {k: len(known) + np.flatnonzero(groups[len(known) :] == k) for k in queue}
        rows, density = list[int](), list[float]()
        reasons = list[str]()
        while len(rows) < size and any(len(waiting[k]) for k in queue):
            for k in [k for k in queue if len(waiting[k])][: size - len(rows)]:
                typical = typicality(points[waiting[k]], self.neighbours)
                best = int(typical.argmax())
                rows.append(int(waiting[k][best]) - len(known))
                density.append(float(typical[best]))
                waiting[k] = np.delete(waiting[k], best)
                like = view.in_pool(sizes[k] - held[k]) + held[k]
                reasons.append(
                    f"the most typical of {like:,} similar images, {held[k]:,} "
                    f"labeled: typicality {density[-1]:.2f}"
                )
        choice = Choice(np.array(rows, np.int64), np.array(density, np.float64), reasons)
        choice = complete(view, choice, size)
        return Choice(order[choice.rows], choice.utilities, choice.reasons)


def visits(groups: Int64, labeled: int, smallest: int) -> list[int]:
    """Clusters with an open image by number of labels, then largest first, then by number."""
    sizes = np.bincount(groups)
    held = np.bincount(groups[:labeled], minlength=len(sizes))
    order = np.lexsort((-sizes, held))
    order = order[(sizes - held)[order] > 0]
    large = order[sizes[order] >= smallest]
    return (large if len(large) else order).tolist()


def typicality(points_ND: Float32, neighbours: int) -> npt.NDArray[np.float64]:
    """Return 1 / (mean distance to the nearest `neighbours`, at most half, + 1e-5 [B])."""
    count = min(neighbours, len(points_ND) // 2)
    similarity = nearest_neighbours(points_ND, count).similarity_NK.astype(np.float64)
    distance = np.sqrt(np.maximum(2.0 - 2.0 * similarity, 0.0))
    mean = distance.mean(axis=1) if distance.shape[1] else np.ones(len(points_ND))
    return 1.0 / (mean + 1e-5)
