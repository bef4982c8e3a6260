import numpy as np
import pytest
import torch

from poolscore.prompts.train import TrainingSet
from tests.unit.prompts.toy_text import ToyText


@pytest.fixture
def text() -> ToyText:
    return ToyText(classes=5)


@pytest.fixture
def anchor_CD(text: ToyText) -> torch.Tensor:
    return torch.nn.functional.normalize(text.class_CD, dim=-1)


@pytest.fixture
def images(text: ToyText) -> TrainingSet:
    """Sixty noisy images of turned class vectors, the last twenty pseudo-labelled."""
    generator = torch.Generator().manual_seed(1)
    targets = torch.arange(60) % 5
    turn = torch.linalg.qr(torch.randn(16, 16, generator=generator))[0]
    clean = text.class_CD[targets] @ (0.5 * torch.eye(16) + 0.5 * turn)
    noisy = clean + 0.7 * torch.randn(60, 16, generator=generator)
    features = torch.nn.functional.normalize(noisy, dim=1).half().numpy()
    return TrainingSet(features, targets.numpy(), np.arange(60) >= 40)
