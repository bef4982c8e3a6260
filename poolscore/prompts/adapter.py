"""The residual low-rank adapter of the image feature: visual tuning that never touches pixels.

The paper tunes visual prompts inside the image tower, which would mean to embed the pool anew for
every prompt version; on cached embeddings a residual map takes their place [C].
Shapes: N images, D embedding width, R rank.
"""

import torch
from torch.nn.functional import normalize

from poolscore.scoring.types import Adapter


def initial_adapter(width: int, rank: int, generator: torch.Generator) -> Adapter:
    """Start as the identity: `down` from N(0, 1/D), `up` zero."""
    down_DR = torch.randn(width, rank, generator=generator) / width**0.5
    return Adapter(down_DR, torch.zeros(rank, width))


def adapt(image_ND: torch.Tensor, adapter: Adapter | None) -> torch.Tensor:
    """Return v' = normalize(v + (v @ down) @ up), or v where there is no adapter."""
    if adapter is None:
        return image_ND
    return normalize(image_ND + (image_ND @ adapter.down_DR) @ adapter.up_RD, dim=-1)
