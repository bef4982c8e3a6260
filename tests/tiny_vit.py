"""An open_clip model with a vision transformer that is small enough for tests."""

import json
from pathlib import Path
from typing import Any

import open_clip

from poolscore.encoder.random_weights import write_random_weights
from poolscore.encoder.spec import EncoderSpec

NAME = "tiny-vit"
PATCH, WIDTH, LAYERS, HEADS = 8, 64, 3, 2
CONFIG: dict[str, Any] = {
    "embed_dim": 24,
    "vision_cfg": {
        "layers": LAYERS,
        "width": WIDTH,
        "head_width": WIDTH // HEADS,
        "patch_size": PATCH,
        "image_size": 32,
    },
    "text_cfg": {
        "width": 32,
        "heads": 2,
        "layers": 2,
        "context_length": 77,
        "vocab_size": 49408,
    },
}


def register_tiny_vit(folder: Path) -> None:
    """Let open_clip know the model by its name; `folder` is for its configuration file."""
    path = folder / f"{NAME}.json"
    path.write_text(json.dumps(CONFIG))
    open_clip.add_model_config(path)


def tiny_vit_spec(folder: Path, seed: int = 0, precision: str = "fp32") -> EncoderSpec:
    """A spec of the model with random weights, which `folder` gets unless they are there."""
    register_tiny_vit(folder)
    weights = folder / f"{NAME}-{seed}.safetensors"
    if not weights.exists():
        write_random_weights(NAME, weights, seed)
    return EncoderSpec.model_validate(
        {"model": NAME, "pretrained": str(weights), "precision": precision}
    )
