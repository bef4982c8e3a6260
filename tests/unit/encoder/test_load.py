from pathlib import Path

import pytest
import torch
from torch import nn

from poolscore.encoder.architecture import EMBEDDED_WEIGHTS
from poolscore.encoder.load import load_encoder
from poolscore.encoder.spec import EncoderSpec
from poolscore.errors import InvalidInputError


def test_the_embedded_file_by_path_is_the_embedded_model() -> None:
    default = load_encoder(EncoderSpec(precision="fp32"), device="cpu")
    by_path = EncoderSpec(pretrained=str(EMBEDDED_WEIGHTS), precision="fp32")
    assert load_encoder(by_path, device="cpu").digest == default.digest
    bf16 = load_encoder(EncoderSpec(precision="bf16"), device="cpu")
    assert bf16.digest != default.digest


def test_batch_norms_and_the_text_tower_keep_float32() -> None:
    encoder = load_encoder(EncoderSpec(precision="bf16"), device="cpu")
    model: nn.Module = vars(encoder)["_model"]
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    assert norms
    assert all(norm.weight.dtype == torch.float32 for norm in norms)
    convolutions = [m for m in model.modules() if isinstance(m, nn.Conv2d)]
    assert all(convolution.weight.dtype == torch.bfloat16 for convolution in convolutions)
    assert model.get_submodule("transformer.resblocks.0.ln_1").weight.dtype == torch.float32
    assert not any(parameter.requires_grad for parameter in model.parameters())
    assert not any(module.training for module in model.modules())


def test_weights_of_another_model_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="RN50") as caught:
        load_encoder(EncoderSpec(model="RN50", pretrained=str(EMBEDDED_WEIGHTS)))
    assert caught.value.reason == "ENCODER_UNAVAILABLE"
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(EMBEDDED_WEIGHTS.read_bytes()[:100_000])
    with pytest.raises(InvalidInputError, match="does not hold"):
        load_encoder(EncoderSpec(pretrained=str(cut)))
