"""Low-rank adaptation of an attention's packed input projection.

arXiv 2106.09685: W' = W + (alpha / R) up down [A]. Dropout acts on what enters the low-rank path,
which no change of W expresses, so training computes the path beside the frozen projection;
afterwards it is merged into W and costs nothing.
Shapes: N images, L tokens, W width, H heads, R rank, Z = W / H.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.nn.functional import dropout, linear, scaled_dot_product_attention

from poolscore.encoder.visual_tuning.config import LoraConfig
from poolscore.encoder.visual_tuning.tower import blocks_of

_PACKED = ("q", "k", "v")
"""Order of the projections in `in_proj_weight`."""


class LowRankAttention(nn.Module):
    """Self-attention of a frozen nn.MultiheadAttention with low-rank paths at its entrance."""

    def __init__(
        self,
        attention: nn.MultiheadAttention,
        config: LoraConfig,
        parameters: nn.ParameterDict,
        drops: bool,
    ) -> None:
        """`parameters` has `{projection}_down` (R, W) and `{projection}_up` (W, R).

        Dropout is on where `drops`, whatever mode the frozen tower around is in.
        """
        super().__init__()
        self.attention = attention
        self.parameters_of = parameters
        self._config = config
        self._drops = drops

    def forward(
        self, x_NLW: torch.Tensor, *_: torch.Tensor, attn_mask: torch.Tensor | None, **__: Any
    ) -> tuple[torch.Tensor, None]:
        """Called as nn.MultiheadAttention; keys and values are those of the queries' tokens."""
        frozen = self.attention
        q_NLW, k_NLW, v_NLW = (
            packed + self._path(x_NLW, name) if name in self._config.projections else packed
            for name, packed in zip(
                _PACKED,
                linear(x_NLW, frozen.in_proj_weight, frozen.in_proj_bias).chunk(3, dim=-1),
                strict=True,
            )
        )
        heads = frozen.num_heads
        attended_NHLZ = scaled_dot_product_attention(
            *(each.unflatten(-1, (heads, -1)).transpose(1, 2) for each in (q_NLW, k_NLW, v_NLW)),
            attn_mask=attn_mask,
        )
        return frozen.out_proj(attended_NHLZ.transpose(1, 2).flatten(2)), None

    def _path(self, x_NLW: torch.Tensor, name: str) -> torch.Tensor:
        down_RW, up_WR = self.parameters_of[f"{name}_down"], self.parameters_of[f"{name}_up"]
        kept_NLW = dropout(x_NLW, self._config.dropout, self._drops)
        return self._config.scale * linear(linear(kept_NLW, down_RW), up_WR)


def initial_low_rank(
    tower: Any, config: LoraConfig, generator: torch.Generator
) -> dict[str, torch.Tensor]:
    """Start as the identity: `down` normal [A] with variance 1/W [C], `up` zero [A]."""
    width = int(tower.transformer.width)
    tensors: dict[str, torch.Tensor] = {}
    for layer in range(len(blocks_of(tower))):
        for name in config.projections:
            drawn_RW = torch.randn(config.rank, width, generator=generator)
            tensors[f"blocks.{layer}.{name}_down"] = drawn_RW / width**0.5
            tensors[f"blocks.{layer}.{name}_up"] = torch.zeros(width, config.rank)
    return tensors


def insert_low_rank(
    tower: nn.Module, config: LoraConfig, parameters: Mapping[str, nn.Parameter], drops: bool
) -> None:
    """Put a LowRankAttention in the place of every attention; `remove_low_rank` undoes it."""
    for layer, block in enumerate(blocks_of(tower)):
        of_block = {
            f"{name}_{side}": parameters[f"blocks.{layer}.{name}_{side}"]
            for name in config.projections
            for side in ("down", "up")
        }
        attention: Any = block.get_submodule("attn")
        block.attn = LowRankAttention(attention, config, nn.ParameterDict(of_block), drops)


def remove_low_rank(tower: nn.Module) -> None:
    """Put the tower's own attention back."""
    for block in blocks_of(tower):
        block.attn = block.get_submodule("attn.attention")


@torch.no_grad()
def merge_low_rank(tower: Any, config: LoraConfig, tensors: Mapping[str, torch.Tensor]) -> None:
    """Add scale x up @ down to the projections' rows of every `in_proj_weight`, for good."""
    width = int(tower.transformer.width)
    for layer, block in enumerate(blocks_of(tower)):
        packed_3WW = block.get_parameter("attn.in_proj_weight")
        for name in config.projections:
            up_WR, down_RW = (tensors[f"blocks.{layer}.{name}_{side}"] for side in ("up", "down"))
            start = _PACKED.index(name) * width
            packed_3WW[start : start + width] += config.scale * (up_WR @ down_RW).to(packed_3WW)
