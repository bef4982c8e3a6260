"""Weights files with seeded random numbers, for benchmarks and tests without a download."""

from pathlib import Path

import open_clip
import torch
from safetensors.torch import save_file
from torch import nn

from poolscore.encoder.architecture import model_config
from poolscore.encoder.spec import EncoderSpec


def write_random_weights(model_name: str, path: Path, seed: int = 0) -> Path:
    """Write an untrained open_clip model to `path` (.safetensors) and return the path.

    It is then loaded as any other file, so that what is measured or tested is the real path:
    `EncoderSpec(model=model_name, pretrained=str(path))`. The caller's random state is untouched.
    """
    model_config(EncoderSpec(model=model_name))  # an unknown name ends here, with its neighbours
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: nn.Module = open_clip.create_model(
            model_name, pretrained_image=False, pretrained_text=False
        )
    state = {name: tensor.detach().contiguous() for name, tensor in model.state_dict().items()}
    save_file(state, path)
    return path
