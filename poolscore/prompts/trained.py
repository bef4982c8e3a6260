"""What training leaves behind.

Shapes: M context vectors, W token width, C classes, D embedding width.
"""

from dataclasses import dataclass, field

import torch

from poolscore.prompts.config import DualPromptConfig
from poolscore.scoring.types import PromptFeatures


@dataclass(frozen=True)
class TrainedPrompts:
    """Contexts, the text features they give, and how they came about.

    Zero-shot prompts have neither contexts nor a configuration, prompts learned without the dual
    loss no negative context. Class-specific contexts are (C, M, W).
    """

    features: PromptFeatures
    positive_context_MW: torch.Tensor | None = None
    negative_context_MW: torch.Tensor | None = None
    config: DualPromptConfig | None = None
    seed: int = 0
    metrics: dict[str, float] = field(default_factory=dict[str, float])


def zero_shot_prompts(positive_CD: torch.Tensor, scale: float) -> TrainedPrompts:
    """Wrap the encoder's own text features (C, D) as prompt version 0; p_clean = probability."""
    return TrainedPrompts(PromptFeatures(positive_CD.detach().float().cpu(), None, scale))
