"""Vacuity of a Dirichlet over the classes: how little evidence there is for any of them.

Shapes: N images, C classes.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from poolscore.acquisition.base import Choice, Float32, Need, PoolView
from poolscore.acquisition.ordering import lowest
from poolscore.acquisition.supplied import require


@dataclass(frozen=True)
class DirichletVacuity:
    """Largest vacuity C / alpha_0 first, alpha_k = 1 + evidence_k.

    [A] Subjective logic (Josang 2016; Sensoy et al., NeurIPS 2018) and SaE (arXiv 2602.18867),
    which asks by vacuity in early rounds. [C] There the evidence comes from a trained head; here it
    is exp(z_k) of CLIP's own logits, less their mean over the classes and clipped to +-`clip`. The
    mean is taken off because a softmax model leaves the absolute level free: with CLIP's scale of
    100 all raw logits lie near 25 and would all be clipped alike. Centred logits are
    log p_k - mean_j log p_j. At equal logits the vacuity is 1/2, its largest value.
    """

    clip: float = 10.0
    name: str = "dirichlet_vacuity"
    needs: frozenset[Need] = frozenset({Need.PROBABILITIES})
    most: int | None = 1_000_000
    batchwise: bool = False

    def query(self, view: PoolView, batch_size: int, rng: np.random.Generator) -> Choice:
        """Return min(batch_size, N) rows; the utility is the vacuity, in (0, 1)."""
        del rng
        vacuity = vacuity_of(require(view, self).probabilities_NC, self.clip)
        rows = lowest(-vacuity, view.ids, batch_size)
        reasons = [
            f"little evidence for any class: vacuity {u:.2f}; the most is for '{view.classes[k]}'"
            for u, k in zip(
                vacuity[rows].tolist(), view.scores.predicted[rows].tolist(), strict=True
            )
        ]
        return Choice(rows, vacuity[rows].astype(np.float64), reasons)


def vacuity_of(probabilities_NC: Float32, clip: float) -> npt.NDArray[np.float32]:
    """Return C / sum_k (1 + exp(centred logit_k)), shape (N,)."""
    smallest = np.finfo(np.float32).tiny
    logits_NC = np.log(np.maximum(probabilities_NC, smallest))
    logits_NC -= logits_NC.mean(axis=1, keepdims=True)
    evidence_NC = np.exp(np.clip(logits_NC, -clip, clip, out=logits_NC), out=logits_NC)
    classes = probabilities_NC.shape[1]
    return classes / (classes + evidence_NC.sum(axis=1))
