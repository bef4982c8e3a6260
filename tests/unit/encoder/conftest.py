from collections.abc import Callable
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from open_clip.model import CLIP, CustomTextCLIP
from PIL import Image
from skimage import data
from torch import nn

from poolscore.encoder.class_tokens import Tokenizer

VISION = {"layers": 1, "width": 64, "head_width": 32, "patch_size": 32, "image_size": 32}
TEXT = {"width": 32, "heads": 2, "layers": 3, "context_length": 77, "vocab_size": 49408}

BuildModel = Callable[..., nn.Module]


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    return open_clip.SimpleTokenizer()


@pytest.fixture(scope="session")
def build_model() -> BuildModel:
    """Makes a frozen random CLIP whose text tower has the given options."""

    def build(
        *, custom: bool = False, text: dict[str, Any] | None = None, **model: Any
    ) -> nn.Module:
        kind: Any = CustomTextCLIP if custom else CLIP
        with torch.random.fork_rng():
            torch.manual_seed(0)
            made = kind(embed_dim=24, vision_cfg=VISION, text_cfg={**TEXT, **(text or {})}, **model)
        return made.eval().requires_grad_(False)

    return build


@pytest.fixture(scope="session")
def photographs() -> list[Image.Image]:
    """Colour and grey, square, wide and tall."""
    wide = data.coffee()
    pictures = [data.astronaut(), wide, np.rot90(wide).copy(), data.chelsea(), data.camera()]
    return [Image.fromarray(picture) for picture in pictures]
