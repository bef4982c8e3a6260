"""EfficientNet-Lite0's published weights as timm's ``tf_efficientnet_lite0``.

The weights were trained with ImageNet's mean and standard deviation. open_clip's default transform
uses its own, so the change is folded into the first layer and the default transform is the right
one.
"""

from __future__ import annotations

from pathlib import Path

import timm
import torch
from open_clip.constants import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
from timm.data.constants import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from timm.models.efficientnet import EfficientNet
from torch import Tensor

from .sources import SourceError

_OUTER = {
    "_conv_stem": "conv_stem",
    "_bn0": "bn1",
    "_conv_head": "conv_head",
    "_bn1": "bn2",
    "_fc": "classifier",
}
_WITH_EXPANSION = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}
_WITHOUT_EXPANSION = {
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn1",
    "_project_conv": "conv_pw",
    "_bn2": "bn2",
}


def rename(published: dict[str, Tensor], wanted: dict[str, Tensor]) -> dict[str, Tensor]:
    """Published weights under timm's names; raises ``SourceError`` unless names and shapes fit."""
    blocks = sorted({tuple(map(int, k.split(".")[1:3])) for k in wanted if k[:7] == "blocks."})
    out: dict[str, Tensor] = {}
    for name, value in published.items():
        if name.startswith("_blocks."):
            _, index, layer, field = name.split(".")
            expands = f"_blocks.{index}._expand_conv.weight" in published
            names = _WITH_EXPANSION if expands else _WITHOUT_EXPANSION
            stage, position = blocks[int(index)]
            out[f"blocks.{stage}.{position}.{names[layer]}.{field}"] = value
        else:
            layer, field = name.split(".")
            out[f"{_OUTER[layer]}.{field}"] = value
    if {k: v.shape for k, v in out.items()} != {k: v.shape for k, v in wanted.items()}:
        raise SourceError("the published weights do not fit timm's tf_efficientnet_lite0")
    return out


def fold_normalisation(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights for images normalised open_clip's way.

    With x0 = scale * x1 + shift, the scale goes into the first kernel and what the shift adds to
    every output goes into the running mean behind it. Only the zero-padded border differs a little.
    """
    old_mean, old_std = torch.tensor(IMAGENET_DEFAULT_MEAN), torch.tensor(IMAGENET_DEFAULT_STD)
    new_mean, new_std = torch.tensor(OPENAI_DATASET_MEAN), torch.tensor(OPENAI_DATASET_STD)
    kernel = weights["conv_stem.weight"]
    shift = (kernel.sum((2, 3)) * ((new_mean - old_mean) / old_std)).sum(1)
    folded = dict(weights)
    folded["conv_stem.weight"] = kernel * (new_std / old_std)[None, :, None, None]
    folded["bn1.running_mean"] = weights["bn1.running_mean"] - shift
    return folded


def load_trunk(path: Path) -> EfficientNet:
    """The folded trunk with its 1,000-class classifier, in evaluation mode."""
    model = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    assert isinstance(model, EfficientNet)
    published = torch.load(path, map_location="cpu", weights_only=True)
    model.load_state_dict(fold_normalisation(rename(published, model.state_dict())))
    return model.eval()
