from pathlib import Path

import pytest

from poolscore.encoder.spec import EncoderSpec


def test_a_relative_weights_path_becomes_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    spec = EncoderSpec(model="ViT-B-32", pretrained="mine.safetensors")
    assert spec.weights_path == tmp_path / "mine.safetensors"


@pytest.mark.parametrize("tag", ["openai", "laion2b_s34b_b79k", "dfn2b", ""])
def test_a_tag_stays_a_tag(tag: str) -> None:
    spec = EncoderSpec(model="ViT-B-32", pretrained=tag)
    assert spec.pretrained == tag
    assert spec.weights_path is None
