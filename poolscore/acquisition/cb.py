"""CB: class-guided clustering (Kim et al., TMLR 2025, arXiv 2411.16722).

Code of the authors: ml-postech/active-prompt-learning. Shapes: N images, L labeled, C classes,
D embedding width, K clusters.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from poolscore.acquisition.base import NOTHING, Choice, Float32, Int64, Need, PoolView
from poolscore.acquisition.id_order import in_id_order
from poolscore.acquisition.kmeans import Clusters, kmeans
from poolscore.acquisition.supplied import require


@dataclass(frozen=True)
class ClassGuided:
    """Spread the labels evenly over clusters of image and expected text feature.

    [B] f(x) = normalise(concat[v(x), sum_k p(k|x) t_k]). Without labels: k-means on the pool, the
    image nearest to each centroid. Afterwards: k-means on labeled and unlabeled images together,
    `factor` * B + L clusters; B times the cluster with the smallest labeled share (ties: the
    largest) is given one query, which goes to its unlabeled image nearest to the centroid.
    [C] The source asks B = C a round and writes C for both; here B stands for it, so that any batch
    is one image a cluster. [C] A cluster given two queries gives its two nearest images; one
    without an unlabeled image is passed over. v(x) is the cached embedding. Runs in
    the order of the ids.
    """

    factor: int = 1
    name: str = "cb"
    needs: frozenset[Need] = frozenset({Need.PROBABILITIES, Need.FEATURES, Need.LABELED, Need.TEXT})
    most: int | None = 25_000
    batchwise: bool = True

    def query(self, view: PoolView, batch_size: int, rng: np.random.Generator) -> Choice:
        """Return min(batch_size, N) rows; the utility is the cosine to the centroid."""
        view, order = in_id_order(view)
        given, size = require(view, self), min(max(batch_size, 0), len(view.ids))
        if size == 0:
            return NOTHING
        labeled, text_CD = given.labeled, given.text_CD
        count = len(labeled.targets_L)
        known = class_guided(labeled.features_LD, labeled.probabilities_LC, text_CD)
        points = np.concatenate(
            [known, class_guided(given.features_ND, given.probabilities_NC, text_CD)]
        )
        clusters = kmeans(points, self.factor * size + count if count else size, rng)
        taken = share(clusters, count, size)
        rows, cosine = nearest_unlabeled(points, clusters, count, taken)
        sizes = clusters.sizes()
        held = np.bincount(clusters.assignment_N[:count], minlength=len(sizes))
        group = clusters.assignment_N[rows]
        reasons = [
            f"typical of {view.in_pool(n - h) + h:,} images that look alike and are predicted "
            f"alike, {h:,} of them labeled: cosine {c:.2f} to their centre"
            for n, h, c in zip(
                sizes[group].tolist(), held[group].tolist(), cosine.tolist(), strict=True
            )
        ]
        return Choice(order[rows - count], cosine, reasons)


def class_guided(
    features_ND: npt.NDArray[np.floating], probabilities_NC: Float32, text_CD: Float32
) -> Float32:
    """Return f(x), L2-normalised, shape (N, 2 D)."""
    guided = np.concatenate(
        [features_ND.astype(np.float32), probabilities_NC @ text_CD], axis=1, dtype=np.float32
    )
    length = np.linalg.norm(guided, axis=1, keepdims=True)
    return guided / np.maximum(length, np.finfo(np.float32).tiny)


def share(clusters: Clusters, labeled: int, queries: int) -> Int64:
    """Return the cluster of each query, in the order in which they were given."""
    sizes = clusters.sizes()
    held = np.bincount(clusters.assignment_N[:labeled], minlength=len(sizes))
    given = np.empty(queries, np.int64)
    for query in range(queries):
        # Empty clusters and those without an open image can give nothing.
        ratio = np.where(held < sizes, held / np.maximum(sizes, 1), np.inf)
        lowest = ratio == ratio.min()
        given[query] = np.where(lowest, sizes, -1).argmax()
        held[given[query]] += 1
    return given


def nearest_unlabeled(
    points: Float32, clusters: Clusters, labeled: int, taken: Int64
) -> tuple[Int64, npt.NDArray[np.float64]]:
    """Return for each query the next image by cosine of its cluster's centroid, and the cosine."""
    centroid = clusters.centroids_KD[clusters.assignment_N]
    length = np.maximum(np.linalg.norm(centroid, axis=1), np.finfo(np.float32).tiny)
    cosine = np.einsum("nd,nd->n", points, centroid) / length
    order = np.lexsort((-cosine, clusters.assignment_N))
    order = order[order >= labeled]
    start = np.searchsorted(clusters.assignment_N[order], np.arange(len(clusters.centroids_KD)))
    earlier = np.array([np.count_nonzero(taken[:i] == k) for i, k in enumerate(taken)], np.int64)
    rows = order[start[taken] + earlier]
    return rows, cosine[rows].astype(np.float64)
