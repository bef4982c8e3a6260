from pathlib import Path

import pytest
import torch
from torch import nn

from poolscore.encoder.encoder import Encoder
from poolscore.encoder.load import load_encoder
from poolscore.encoder.spec import EncoderSpec
from tests.tiny_vit import tiny_vit_spec


@pytest.fixture(scope="session")
def spec(tmp_path_factory: pytest.TempPathFactory) -> EncoderSpec:
    folder: Path = tmp_path_factory.mktemp("tiny-vit")
    return tiny_vit_spec(folder)


@pytest.fixture(scope="session")
def encoder(spec: EncoderSpec) -> Encoder:
    return load_encoder(spec, device="cpu")


@pytest.fixture
def tower(encoder: Encoder) -> nn.Module:
    return encoder.image_tower


@pytest.fixture(scope="session")
def pixels() -> torch.Tensor:
    generator = torch.Generator().manual_seed(5)
    return torch.randint(0, 256, (4, 3, 32, 32), dtype=torch.uint8, generator=generator)


@pytest.fixture(scope="session")
def inputs(encoder: Encoder, pixels: torch.Tensor) -> torch.Tensor:
    """What the tower itself takes."""
    return encoder.preprocessing.normalize(pixels)
