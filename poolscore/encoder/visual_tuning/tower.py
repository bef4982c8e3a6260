"""Which image towers can be tuned."""

from typing import Any

from open_clip.transformer import VisionTransformer
from torch import nn

from poolscore.encoder.visual_tuning.config import LoraConfig, VisualTuningConfig
from poolscore.errors import InvalidInputError


def check_tower(tower: nn.Module, config: VisualTuningConfig, model: str) -> None:
    """Raise InvalidInputError UNSUPPORTED_IMAGE_TOWER unless `config` can tune this tower.

    Deep prompts need open_clip's own VisionTransformer, low-rank weights its standard attention
    besides. `model` is what the message calls the encoder.
    """
    if not isinstance(tower, VisionTransformer):
        raise _unsupported(model, f"is a {type(tower).__name__}")
    standard = all(isinstance(block.attn, nn.MultiheadAttention) for block in blocks_of(tower))
    if isinstance(config, LoraConfig) and not standard:
        raise _unsupported(model, "has an attention of its own, which only --method vpt can tune")


def blocks_of(tower: Any) -> nn.ModuleList:
    """The residual blocks of a vision transformer, first to last."""
    return tower.transformer.resblocks


def _unsupported(model: str, what: str) -> InvalidInputError:
    return InvalidInputError(
        f"The image tower of encoder '{model}' {what}; VPT and LoRA tune open_clip's own vision "
        "transformers, such as ViT-B-32, ViT-B-16 and ViT-L-14: name one of these as the encoder",
        reason="UNSUPPORTED_IMAGE_TOWER",
        model=model,
    )
