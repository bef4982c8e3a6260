"""Deep visual prompts: every layer sees learned tokens of its own behind the patches.

arXiv 2203.12119, placed as HotanLee/DeFT does [B]: appended after the patch tokens, replaced at
each layer, without positional embedding. What leaves the last layer has no prompts, so that every
kind of pooling sees the tokens it was trained on [C; pooling at the class token cannot tell].
Shapes: N images, L tokens (class and patches), n prompt tokens of a layer, W width.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from poolscore.encoder.visual_tuning.config import VptConfig
from poolscore.encoder.visual_tuning.tower import blocks_of


class PromptedBlock(nn.Module):
    """A residual block whose tokens attend to prompts as well."""

    def __init__(self, block: nn.Module, prompts_nW: nn.Parameter) -> None:
        """Wrap a block of the tower."""
        super().__init__()
        self.block = block
        self.prompts_nW = prompts_nW

    def forward(self, x_NLW: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        """As the block, (N, L, W)."""
        prompts_NnW = self.prompts_nW.to(x_NLW.dtype).expand(len(x_NLW), -1, -1)
        out_NLW = self.block(torch.cat([x_NLW, prompts_NnW], dim=1), *args, **kwargs)
        return out_NLW[:, : x_NLW.shape[1]]


def initial_prompts(
    tower: Any, config: VptConfig, generator: torch.Generator
) -> dict[str, torch.Tensor]:
    """Draw (n, W) of each layer from U(-b, b), b = sqrt(6 / (3 patch_h patch_w + W)) [B]."""
    patch_h, patch_w = tower.patch_size
    width = int(tower.transformer.width)
    bound = (6.0 / (3 * patch_h * patch_w + width)) ** 0.5
    shape = (config.tokens, width)
    return {
        _name(layer): bound * (2.0 * torch.rand(shape, generator=generator) - 1.0)
        for layer in range(len(blocks_of(tower)))
    }


def insert_prompts(tower: nn.Module, parameters: Mapping[str, nn.Parameter]) -> None:
    """Put a PromptedBlock in the place of every block; `remove_prompts` undoes it."""
    blocks = blocks_of(tower)
    for layer, block in enumerate(list(blocks)):
        blocks[layer] = PromptedBlock(block, parameters[_name(layer)])


def remove_prompts(tower: nn.Module) -> None:
    """Put the tower's own blocks back."""
    blocks = blocks_of(tower)
    for layer, block in enumerate(list(blocks)):
        blocks[layer] = block.get_submodule("block")


def _name(layer: int) -> str:
    return f"blocks.{layer}.prompts"
