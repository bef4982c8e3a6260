"""A tuned encoder as pools get it: by a spec."""

from pathlib import Path

import numpy as np
import pytest
import torch

from poolscore.encoder.encoder import Encoder
from poolscore.encoder.load import load_encoder
from poolscore.encoder.spec import EncoderSpec
from poolscore.encoder.visual_tuning.artefact import save_tuning
from poolscore.encoder.visual_tuning.attach import attached, initial_tensors
from poolscore.encoder.visual_tuning.config import LoraConfig, VisualTuningConfig, VptConfig
from poolscore.encoder.visual_tuning.tuning import BaseEncoder, VisualTuning
from poolscore.errors import InvalidInputError
from tests.tiny_vit import tiny_vit_spec


def tuning_of(encoder: Encoder, config: VisualTuningConfig, seed: int = 0) -> VisualTuning:
    generator = torch.Generator().manual_seed(seed)
    start = initial_tensors(encoder.image_tower, config, generator)
    tensors = {n: torch.randn(t.shape, generator=generator) / 4 for n, t in start.items()}
    base = BaseEncoder(encoder.spec.model, encoder.spec.pretrained, encoder.digest)
    return VisualTuning(config, tensors, base, ("cat", "dog"))


def tuned(spec: EncoderSpec, path: Path, precision: str = "fp32") -> EncoderSpec:
    return spec.model_copy(update={"visual_tuning": str(path), "precision": precision})


@pytest.mark.parametrize("config", [VptConfig(), LoraConfig()])
def test_a_saved_tuning_gives_the_same_embeddings(
    encoder: Encoder,
    spec: EncoderSpec,
    pixels: torch.Tensor,
    tmp_path: Path,
    config: VisualTuningConfig,
) -> None:
    tuning = tuning_of(encoder, config)
    save_tuning(tuning, tmp_path / "t.safetensors")
    with attached(encoder.image_tower, config, tuning.tensors):
        expected = encoder.encode_images(pixels)
    loaded = load_encoder(tuned(spec, tmp_path / "t.safetensors"), device="cpu")
    np.testing.assert_allclose(loaded.encode_images(pixels), expected, atol=5e-4)
    assert np.abs(encoder.encode_images(pixels) - expected).max() > 0.01
    assert torch.equal(loaded.encode_texts(["a cat"]), encoder.encode_texts(["a cat"]))
    assert not any(each.requires_grad for each in loaded.image_tower.parameters())


@pytest.mark.parametrize("config", [VptConfig(), LoraConfig()])
def test_bfloat16_comes_after_the_tuning(
    encoder: Encoder,
    spec: EncoderSpec,
    pixels: torch.Tensor,
    tmp_path: Path,
    config: VisualTuningConfig,
) -> None:
    save_tuning(tuning_of(encoder, config), tmp_path / "t.safetensors")
    full, half = (
        load_encoder(tuned(spec, tmp_path / "t.safetensors", precision), device="cpu")
        for precision in ("fp32", "bf16")
    )
    assert all(each.dtype == torch.bfloat16 for each in half.image_tower.parameters())
    cosine = (half.encode_images(pixels).astype(float) * full.encode_images(pixels)).sum(axis=1)
    assert cosine.min() > 0.99


def test_every_tuning_and_precision_has_a_digest_of_its_own(
    encoder: Encoder, spec: EncoderSpec, tmp_path: Path
) -> None:
    first, second = tmp_path / "first.safetensors", tmp_path / "second.safetensors"
    save_tuning(tuning_of(encoder, VptConfig(tokens=2), seed=1), first)
    save_tuning(tuning_of(encoder, VptConfig(tokens=2), seed=2), second)
    specs = [spec, tuned(spec, first), tuned(spec, second), tuned(spec, first, "bf16")]
    digests = [load_encoder(each, device="cpu").digest for each in specs]
    assert len(set(digests)) == 4
    renamed = first.rename(tmp_path / "renamed.safetensors")
    assert load_encoder(tuned(spec, renamed), device="cpu").digest == digests[1]


def test_a_tuning_for_another_encoder_is_refused(encoder: Encoder, tmp_path: Path) -> None:
    path = tmp_path / "t.safetensors"
    save_tuning(tuning_of(encoder, VptConfig()), path)
    for other in (tiny_vit_spec(tmp_path, seed=7), EncoderSpec()):
        with pytest.raises(InvalidInputError) as caught:
            load_encoder(tuned(other, path), device="cpu")
        assert caught.value.reason == "TUNING_OTHER_ENCODER"
        for word in (str(path), encoder.digest[:12], "--encoder tiny-vit", "poolscore tune"):
            assert word in caught.value.message
        assert "\n" not in caught.value.message


def test_a_missing_file_shows_before_the_weights_are_read(tmp_path: Path) -> None:
    spec = EncoderSpec(model="ViT-B-32", pretrained=str(tmp_path / "none.safetensors"))
    with pytest.raises(InvalidInputError) as caught:
        load_encoder(tuned(spec, tmp_path / "t.safetensors"))
    assert caught.value.reason == "TUNING_UNREADABLE"


def test_the_path_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    spec = EncoderSpec(visual_tuning="t.safetensors")
    assert spec.visual_tuning == str(tmp_path / "t.safetensors")
    assert EncoderSpec().visual_tuning == ""
