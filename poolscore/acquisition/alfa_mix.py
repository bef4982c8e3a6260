"""ALFA-Mix: images whose prediction a small feature mix flips (Parvaneh et al., CVPR 2022).

arXiv 2203.07034; code of the authors: AminParvaneh/alpha_mix_active_learning.
Shapes: N images, L labeled, A anchors, C classes, D embedding width.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from poolscore.acquisition.base import NOTHING, Choice, Float32, Labeled, Need, PoolView
from poolscore.acquisition.id_order import in_id_order
from poolscore.acquisition.kmeans import kmeans
from poolscore.acquisition.supplied import Supplied, require

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class AlfaMix:
    """Diverse images among those that a mix with a class anchor makes change their prediction.

    [A] Mixed feature alpha z* + (1 - alpha) z with the closed-form alpha = eps ||z* - z|| g / ||g||
    / (z* - z), g the gradient of the cross-entropy at the predicted class; so the mixed feature
    is z + eps ||z* - z|| g / ||g||. Images whose prediction changes for some anchor z* are
    candidates; k-means on their normalised features with B clusters; nearest to each centroid.
    [B] Anchors are the mean features of each class's labeled images, of all labeled images for a
    class without any. [C] Without labels they are the text features. [B] eps = cap / sqrt(D);
    the cap grows by `step` until there are more than B candidates or it reaches 1; missing places
    are drawn at random. [C] The classifier is linear in the cached embedding, the normalisation
    after an adapter does not change an argmax; the queries come by the size of the mix they need.
    All anchors push along g and only the length differs, so the farthest decides, and the mix that
    is needed has a closed form too: no loop over anchors or caps. Runs in the order of the ids.
    """

    step: float = 0.03125
    name: str = "alfa_mix"
    needs: frozenset[Need] = frozenset({Need.PROBABILITIES, Need.FEATURES, Need.LABELED, Need.TEXT})
    most: int | None = 300_000
    batchwise: bool = True

    def query(self, view: PoolView, batch_size: int, rng: np.random.Generator) -> Choice:
        """Return min(batch_size, N) rows; the utility is 1 / (1 + cap that flips)."""
        view, order = in_id_order(view)
        given, size = require(view, self), min(max(batch_size, 0), len(view.ids))
        if size == 0:
            return NOTHING
        cap_N = needed_cap(given, anchors(given.labeled, given.text_CD))
        near = np.flatnonzero(cap_N < cap_for(cap_N, size, self.step))
        rows = near
        if len(near):
            rows = near[kmeans(given.features_ND[near], size, rng).nearest()]
        rows = rows[np.argsort(cap_N[rows], kind="stable")]
        rest = np.setdiff1d(np.arange(len(cap_N)), rows)
        drawn = rng.choice(rest, size - len(rows), replace=False)
        flips = view.in_pool(len(near))
        reasons = [
            f"no longer '{view.classes[k]}' after a mix of {cap:.3f}: one of {flips:,} such "
            "images, and typical of those around it"
            for k, cap in zip(
                view.scores.predicted[rows].tolist(), cap_N[rows].tolist(), strict=True
            )
        ]
        reasons += [f"drawn at random: only {flips:,} predictions flip"] * len(drawn)
        rows = np.concatenate([rows, drawn])
        return Choice(order[rows], 1.0 / (1.0 + cap_N[rows]), reasons)


def anchors(labeled: Labeled, text_CD: Float32) -> Float32:
    """Return one anchor a class, shape (C, D)."""
    if not len(labeled.targets_L):
        return text_CD
    features = labeled.features_LD.astype(np.float32)
    counts = np.bincount(labeled.targets_L, minlength=len(text_CD))
    sums = np.zeros_like(text_CD)
    np.add.at(sums, labeled.targets_L, features)
    means = sums / np.maximum(counts, 1).astype(np.float32)[:, None]
    means[counts == 0] = features.mean(axis=0)
    return means


def needed_cap(given: Supplied, anchors_AD: Float32) -> Float64:
    """Return the cap from which the prediction flips, shape (N,); infinite where it never does.

    With l = W z, predicted y and unit gradient u, class j overtakes y at the length
    (l_y - l_j) / <w_j - w_y, u>, if the slope is positive; length = cap / sqrt(D) ||z* - z||.
    """
    z_ND, p_NC, w_CD = given.features_ND, given.probabilities_NC, given.classifier_CD
    rows, y_N = np.arange(len(z_ND)), p_NC.argmax(axis=1)
    gradient_ND = p_NC @ w_CD - w_CD[y_N]
    norm_N = np.linalg.norm(gradient_ND, axis=1, keepdims=True)
    unit_ND = gradient_ND / np.maximum(norm_N, np.finfo(np.float32).tiny)
    logit_NC, slope_NC = z_ND @ w_CD.T, unit_ND @ w_CD.T
    gap_NC = np.maximum(logit_NC[rows, y_N][:, None] - logit_NC, 0.0)
    slope_NC -= slope_NC[rows, y_N][:, None]
    slope_NC[rows, y_N] = 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        length_N = np.where(slope_NC > 0, gap_NC / slope_NC, np.inf).min(axis=1, initial=np.inf)
        far_N = np.sqrt(farthest(z_ND, anchors_AD))
        cap_N = np.where(far_N > 0, length_N / far_N, np.inf).astype(np.float64)
    return cap_N * np.sqrt(z_ND.shape[1])


def farthest(z_ND: Float32, anchors_AD: Float32) -> Float32:
    """Return the squared distance of each row to the anchor farthest from it."""
    length_A = np.einsum("ad,ad->a", anchors_AD, anchors_AD)
    longest_N = (length_A - 2.0 * (z_ND @ anchors_AD.T)).max(axis=1)
    length_N = np.einsum("nd,nd->n", z_ND, z_ND)
    return np.maximum(longest_N + length_N, 0.0)


def cap_for(cap_N: Float64, size: int, step: float) -> float:
    """Return the first multiple of `step` with more than `size` flips, at most the one from 1."""
    for multiple in range(1, int(np.ceil(1.0 / step)) + 1):
        if np.count_nonzero(cap_N < multiple * step) > size:
            return multiple * step
    return float(np.ceil(1.0 / step)) * step
