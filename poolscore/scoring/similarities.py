"""What the prompts say of one image, class by class: for explanations.

Shapes: C classes, D embedding width.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from poolscore.scoring.types import PromptFeatures

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ClassSimilarities:
    """One row a class; in float64, so that they agree with a score up to its rounding."""

    positive_C: Float64
    """Cosine of the image, as the adapter leaves it, and the positive text feature."""
    negative_C: Float64 | None
    """The same of the negative one; None without a negative prompt."""
    probability_C: Float64
    """Softmax of the scaled positive cosines (arXiv 2602.04340, Eq. 4)."""
    p_clean_C: Float64
    """Eq. 3 of each class; without a negative prompt the probability."""

    @property
    def ordered(self) -> list[int]:
        """Class indices, the most probable first, ties by index."""
        return np.argsort(-self.positive_C, kind="stable").tolist()


def class_similarities(
    embedding_D: npt.NDArray[np.floating], prompts: PromptFeatures
) -> ClassSimilarities:
    """Compare an L2-normalised image feature with the prompts of every class."""
    image_D = torch.from_numpy(embedding_D.astype(np.float64))
    adapter = prompts.adapter
    if adapter is not None:
        image_D = image_D + (image_D @ adapter.down_DR.double()) @ adapter.up_RD.double()
        image_D = image_D / image_D.norm()
    positive_C = prompts.positive_CD.detach().double() @ image_D
    probability_C = (prompts.scale * positive_C).softmax(dim=0)
    negative_C, p_clean_C = None, probability_C
    if prompts.negative_CD is not None:
        negative_C = prompts.negative_CD.detach().double() @ image_D
        p_clean_C = torch.sigmoid(prompts.scale * (positive_C - negative_C))
    return ClassSimilarities(
        positive_C=positive_C.numpy(),
        negative_C=None if negative_C is None else negative_C.numpy(),
        probability_C=probability_C.numpy(),
        p_clean_C=p_clean_C.numpy(),
    )
