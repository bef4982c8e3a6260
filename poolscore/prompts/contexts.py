"""Learned contexts before training.

Shapes: P prompts, M context vectors, W token width, C classes, D embedding width.
"""

import torch

from poolscore.encoder.prompt_text import PromptTextEncoder
from poolscore.prompts.config import DualPromptConfig


def initial_contexts(
    text: PromptTextEncoder,
    config: DualPromptConfig,
    seed: int,
    anchor_CD: torch.Tensor | None,
    device: torch.device | str = "cpu",
) -> torch.Tensor:
    """Draw contexts from N(0, std^2), as CoOp does [B]; pull them to the anchor if there is one.

    (P, M, W), or (P, C, M, W) if they are class-specific. They do not depend on any label: a caller
    that trains often with one seed may keep them.
    """
    # Not the stream of the training, or the adapter would start with the same numbers.
    generator = torch.Generator().manual_seed(seed ^ 1 << 32)
    of_each = (text.num_classes,) if config.class_specific else ()
    shape = (2 if config.dual_weight else 1, *of_each, text.num_contexts, text.width)
    contexts = (config.context_std * torch.randn(shape, generator=generator)).to(device)
    return contexts if anchor_CD is None else pull_to_anchor(contexts, text, anchor_CD, config)


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
