"""Joins trunk, head and text tower into one fp16 file that open_clip loads strictly."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from safetensors.torch import save_file
from timm.layers.mlp import Mlp
from timm.models.efficientnet import EfficientNet
from torch import Tensor

from .clip import ClipModel
from .texttower import TextTower

SIZE_LIMIT = 20_000_000
_NOTE = (
    "EfficientNet-Lite0 trunk (Apache-2.0); text tower distilled from all-MiniLM-L6-v2 "
    "(Apache-2.0) and WordNet 3.0 (Copyright 2006 by Princeton University). Not CLIP."
)


def mixing_matrix(size: int, seed: int) -> Tensor:
    """A fixed random rotation, so that no single output is special to either tower."""
    rng = torch.Generator().manual_seed(seed)
    return torch.linalg.qr(torch.randn(size, size, generator=rng, dtype=torch.float64))[0].float()


@torch.no_grad()
def fill_model(
    model: ClipModel,
    trunk: EfficientNet,
    head: Mlp,
    tower: TextTower,
    logit_scale: float,
    seed: int,
) -> None:
    """Writes every weight into ``model`` in place."""
    size = model.text_projection.shape[1]
    mixing = mixing_matrix(size, seed)
    model.load_state_dict(tower.weights, strict=False)
    # Texts use only the semantic directions; the rest of the embedding is the visual residual.
    padding = torch.zeros(tower.output_WW.shape[0], size - tower.output_WW.shape[1])
    model.text_projection.copy_(torch.cat([tower.output_WW, padding], 1) @ mixing)
    kept = {k: v for k, v in trunk.state_dict().items() if not k.startswith("classifier")}
    visual = {f"trunk.{name}": value for name, value in kept.items()}
    fitted = head.state_dict()
    visual["head.mlp.fc1.weight"], visual["head.mlp.fc1.bias"] = (
        fitted["fc1.weight"],
        fitted["fc1.bias"],
    )
    visual["head.mlp.fc2.weight"] = mixing.T @ fitted["fc2.weight"]
    visual["head.mlp.fc2.bias"] = fitted["fc2.bias"] @ mixing
    model.visual.load_state_dict(visual)
    model.logit_scale.fill_(math.log(logit_scale))


def save_model(model: ClipModel, path: Path) -> None:
    """Writes the fp16 file; raises ``ValueError`` if a number or the file is too large."""
    weights = {
        name: (value.half() if value.is_floating_point() else value).contiguous().clone()
        for name, value in model.state_dict().items()
    }
    bad = [name for name, value in weights.items() if not bool(torch.isfinite(value).all())]
    if bad:
        raise ValueError(f"not finite in fp16: {bad}")
    # One entry only: several would be written in a random order and change the digest.
    save_file(weights, path, {"note": _NOTE})
    if (size := path.stat().st_size) > SIZE_LIMIT:
        raise ValueError(f"{path} has {size} bytes, more than {SIZE_LIMIT}")
