"""Learned contexts before training.

Shapes: P prompts, M context vectors, W token width, C classes, D embedding width.
"""

import torch

from poolscore.encoder.prompt_text import PromptTextEncoder
from poolscore.prompts.config import DualPromptConfig


def random_contexts(
    text: PromptTextEncoder,
    prompts: int,
    std: float,
    generator: torch.Generator,
    class_specific: bool = False,
) -> torch.Tensor:
    """Draw (P, M, W) vectors, or (P, C, M, W), from N(0, std^2), as CoOp does [B]."""
    of_each = (text.num_classes,) if class_specific else ()
    shape = (prompts, *of_each, text.num_contexts, text.width)
    return std * torch.randn(shape, generator=generator)


def pull_to_anchor(
    contexts_PMW: torch.Tensor,
    text: PromptTextEncoder,
    anchor_CD: torch.Tensor,
    config: DualPromptConfig,
) -> torch.Tensor:
    """Move contexts until their text features resemble the encoder's own ones.

    Random contexts classify worse than the template they replace; a few steps of Adam on the
    squared distance give training a start that knows what zero-shot knows [C].
    """
    contexts = contexts_PMW.clone().requires_grad_(True)
    optimizer = torch.optim.Adam([contexts], lr=config.warm_start_learning_rate)
    for _ in range(config.warm_start_steps):
        loss = anchor_distance(text(contexts), anchor_CD)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return contexts.detach()


def anchor_distance(features_PCD: torch.Tensor, anchor_CD: torch.Tensor) -> torch.Tensor:
    """Mean squared Euclidean distance of text features to the anchor (KgCoOp, Eq. 3)."""
    return (features_PCD - anchor_CD).square().sum(dim=-1).mean()
