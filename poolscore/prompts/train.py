"""Learning positive and negative prompts on cached embeddings.

Shapes: N training images, D embedding width.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from poolscore.encoder.prompt_text import PromptTextEncoder
from poolscore.prompts.config import DualPromptConfig
from poolscore.prompts.trained import TrainedPrompts

OnStep = Callable[[int, int, float], None]


@dataclass(frozen=True)
class TrainingSet:
    """Images to learn from; row i of every field is one image."""

    features_ND: npt.NDArray[np.floating]
    """L2-normalised image features, float16 or float32."""
    targets_N: npt.NDArray[np.integer]
    """Class index: a person's answer, or the prediction for a pseudo-label."""
    pseudo_N: npt.NDArray[np.bool_]
    """True where the target is a pseudo-label."""


def train_dual_prompts(
    text: PromptTextEncoder,
    scale: float,
    data: TrainingSet,
    config: DualPromptConfig,
    seed: int,
    on_step: OnStep | None = None,
) -> TrainedPrompts:
    """Learn prompts from scratch; the same arguments give the same prompts.

    `on_step` receives (steps done, steps in all, loss).
    """
    raise NotImplementedError
