"""How well the doubt of a prompt version is placed, where the truth of its predictions is known."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from poolscore.evaluation.metrics import auroc


@dataclass(frozen=True)
class Doubt:
    """p_clean and probability of predictions whose truth is known; arrays of shape (N,)."""

    p_clean: npt.NDArray[np.float64]
    probability: npt.NDArray[np.float64]
    right: npt.NDArray[np.bool_]

    @property
    def auroc_p_clean(self) -> float:
        """How well p_clean tells right predictions from wrong ones; NaN if all are alike."""
        return auroc(self.p_clean, self.right)

    @property
    def auroc_max_prob(self) -> float:
        """The same of the largest class probability."""
        return auroc(self.probability, self.right)
