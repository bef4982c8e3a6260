from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from poolscore.encoder.digest import encoder_digest
from poolscore.encoder.preprocessing import Preprocessing

CONFIG: dict[str, Any] = {"embed_dim": 4}
PREPROCESSING = Preprocessing((8, 8), (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), "bicubic", "shortest")


def _model() -> nn.Module:
    model = nn.Linear(3, 2)
    nn.init.constant_(model.weight, 0.25)
    nn.init.zeros_(model.bias)
    return model


def _digest(model: nn.Module | None = None, **changes: Any) -> str:
    given: dict[str, Any] = {
        "config": CONFIG,
        "precision": "fp32",
        "preprocessing": PREPROCESSING,
    } | changes
    return encoder_digest(model=model or _model(), **given)


def test_equal_encoders_have_one_digest() -> None:
    assert _digest() == _digest()
    assert len(_digest()) == 64


@pytest.mark.parametrize(
    "changes",
    [
        {"config": {"embed_dim": 4, "quick_gelu": True}},
        {"precision": "bf16"},
        {"preprocessing": replace(PREPROCESSING, interpolation="bilinear")},
    ],
)
def test_every_part_counts(changes: dict[str, Any]) -> None:
    assert _digest(**changes) != _digest()


def test_the_last_bit_of_a_weight_counts() -> None:
    model = _model()
    with torch.no_grad():
        model.get_parameter("weight")[1, 2] = torch.nextafter(torch.tensor(0.25), torch.tensor(1.0))
    assert _digest(model) != _digest()
