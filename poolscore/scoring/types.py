"""What goes into the scoring kernel and what comes out.

Shapes: N images, C classes, D embedding width, R adapter rank.
"""

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import torch

Float32 = npt.NDArray[np.float32]
Int32 = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Adapter:
    """Residual low-rank map of the image feature: v' = normalize(v + (v @ down) @ up)."""

    down_DR: torch.Tensor
    up_RD: torch.Tensor


@dataclass(frozen=True)
class PromptFeatures:
    """Everything that a prompt version contributes to a score, in float32.

    `negative_CD` is None for zero-shot prompts: p_clean is then the probability itself.
    """

    positive_CD: torch.Tensor
    """L2-normalised text features of the positive prompt."""
    negative_CD: torch.Tensor | None
    """L2-normalised text features of the negative prompt."""
    scale: float
    """exp(logit_scale) of the encoder: 100 for CLIP, 15 for the shipped model."""
    adapter: Adapter | None = None


@dataclass(frozen=True)
class Scores:
    """One row an image, arrays of shape (N,)."""

    predicted: Int32
    """Index of the class with the largest positive similarity."""
    probability: Float32
    """Softmax probability of `predicted`."""
    margin: Float32
    """Difference of the two largest probabilities."""
    entropy: Float32
    """Entropy of the class probabilities in nats."""
    p_clean: Float32
    """Probability, by the negative prompt, that `predicted` is right."""

    def __len__(self) -> int:
        """Number of images."""
        return len(self.predicted)

    def take(self, rows: npt.NDArray[np.int64]) -> "Scores":
        """The scores of these rows, in this order."""
        return Scores(*(getattr(self, each.name)[rows] for each in fields(self)))
