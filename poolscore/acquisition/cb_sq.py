"""CB+SQ: class-guided clustering that does not ask what the model knows (arXiv 2411.16722).

Code of the authors: ml-postech/active-prompt-learning. Shapes: N images, L labeled, C classes.
"""

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from poolscore.acquisition.base import Choice, Float32, Labeled, Need, PoolView
from poolscore.acquisition.cb import ClassGuided
from poolscore.acquisition.supplied import require


@dataclass(frozen=True)
class SelectiveQuerying:
    """CB with four times the clusters, and chosen images whose prediction is kept unasked.

    [B] threshold_c = mean of max_k p(k|x) over the labeled images of class c, infinite without
    any; a chosen image with max_k p >= threshold of its predicted class keeps its prediction, which
    enters the labeled set for good and shapes later thresholds. [B] Only after the first round:
    without labels nothing is kept, and the clustering is CB's. The rows to keep are marked in
    `Choice.keep_prediction`; to act on it is the caller's.
    """

    clustering: ClassGuided = field(default_factory=lambda: ClassGuided(factor=4))
    name: str = "cb_sq"
    needs: frozenset[Need] = ClassGuided.needs
    most: int | None = 16_384
    batchwise: bool = True

    def query(self, view: PoolView, batch_size: int, rng: np.random.Generator) -> Choice:
        """Return min(batch_size, N) rows; the utility is CB's."""
        given = require(view, self)
        choice = self.clustering.query(view, batch_size, rng)
        threshold_C = thresholds(given.labeled, len(view.classes))
        p_NC = given.probabilities_NC[choice.rows]
        predicted = p_NC.argmax(axis=1)
        keep = p_NC.max(axis=1) >= threshold_C[predicted]
        reasons = [
            f"kept as '{view.classes[k]}' without a question: probability {p:.2f}, and labeled "
            f"images of it have {t:.2f} on average"
            if kept
            else reason
            for reason, k, p, t, kept in zip(
                choice.reasons,
                predicted.tolist(),
                p_NC.max(axis=1).tolist(),
                threshold_C[predicted].tolist(),
                keep.tolist(),
                strict=True,
            )
        ]
        return replace(choice, reasons=reasons, keep_prediction=keep)


def thresholds(labeled: Labeled, classes: int) -> npt.NDArray[np.float64]:
    """Return the mean largest probability of each class's labeled images, infinite for none."""
    highest_L: Float32 = labeled.probabilities_LC.max(axis=1, initial=0.0)
    counts = np.bincount(labeled.targets_L, minlength=classes)
    sums = np.bincount(labeled.targets_L, weights=highest_L, minlength=classes)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.inf)
