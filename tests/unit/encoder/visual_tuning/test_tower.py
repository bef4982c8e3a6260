from typing import Any

import pytest
from open_clip.model import CLIP, CustomTextCLIP
from torch import nn

from poolscore.encoder.load import load_encoder
from poolscore.encoder.spec import EncoderSpec
from poolscore.encoder.visual_tuning.config import LoraConfig, VptConfig
from poolscore.encoder.visual_tuning.tower import check_tower
from poolscore.errors import InvalidInputError
from tests.tiny_vit import CONFIG


def tower_of(kind: Any, **vision: Any) -> nn.Module:
    return kind(
        embed_dim=24, vision_cfg=CONFIG["vision_cfg"] | vision, text_cfg=CONFIG["text_cfg"]
    ).visual


@pytest.mark.parametrize("kind", [CLIP, CustomTextCLIP])
@pytest.mark.parametrize("config", [VptConfig(), LoraConfig()])
def test_open_clips_own_vision_transformers_can_be_tuned(
    kind: Any, config: VptConfig | LoraConfig
) -> None:
    check_tower(tower_of(kind), config, "mine")


@pytest.mark.parametrize("config", [VptConfig(), LoraConfig()])
def test_other_towers_are_named(config: VptConfig | LoraConfig) -> None:
    resnet = tower_of(CLIP, layers=[1, 1, 1, 1], image_size=64)
    embedded = load_encoder(EncoderSpec(), device="cpu").image_tower
    for tower, name in ((resnet, "ModifiedResNet"), (embedded, "TimmModel")):
        with pytest.raises(InvalidInputError) as caught:
            check_tower(tower, config, "my-model")
        assert caught.value.reason == "UNSUPPORTED_IMAGE_TOWER"
        assert "my-model" in caught.value.message
        assert name in caught.value.message
        assert "ViT-B-16" in caught.value.message
        assert "\n" not in caught.value.message


def test_an_attention_of_another_kind_takes_prompts_alone() -> None:
    tower = tower_of(CLIP, block_type="custom", qk_norm=True)
    check_tower(tower, VptConfig(), "mine")
    with pytest.raises(InvalidInputError, match="--method vpt"):
        check_tower(tower, LoraConfig(), "mine")
