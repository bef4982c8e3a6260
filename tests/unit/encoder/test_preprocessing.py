import pickle
from typing import Any

import pytest
import torch
from open_clip.pretrained import get_pretrained_cfg
from open_clip.transform import PreprocessCfg, image_transform_v2, merge_preprocess_dict
from PIL import Image

from poolscore.encoder.preprocessing import load_preprocessing
from poolscore.encoder.spec import EncoderSpec


@pytest.mark.parametrize(
    ("model", "tag", "size"),
    [
        ("poolscore-lite", "", 224),
        ("RN50x4", "openai", 288),
        ("ViT-B-16-SigLIP", "webli", 224),
        ("ViT-H-14", "metaclip_fullcc", 224),
    ],
)
def test_pixels_equal_open_clips_whole_transform(
    model: str, tag: str, size: int, photographs: list[Image.Image]
) -> None:
    published = get_pretrained_cfg(model, tag) | {"size": size}
    config = PreprocessCfg(**merge_preprocess_dict(PreprocessCfg(), published))
    transform: Any = image_transform_v2(config, is_train=False)
    preprocessing = load_preprocessing(EncoderSpec(model=model, pretrained=tag))
    for photograph in photographs:
        pixels = torch.from_numpy(preprocessing(photograph))
        assert pixels.dtype == torch.uint8
        difference = preprocessing.normalize(pixels[None])[0] - transform(photograph)
        assert float(difference.abs().max()) < 1e-5


def test_it_travels_without_the_model() -> None:
    preprocessing = load_preprocessing(EncoderSpec())
    assert len(pickle.dumps(preprocessing)) < 1000
    assert pickle.loads(pickle.dumps(preprocessing)) == preprocessing


def test_a_file_gets_what_all_tags_of_its_model_agree_on() -> None:
    siglip = EncoderSpec(model="ViT-B-16-SigLIP", pretrained="/any/w.safetensors")
    assert load_preprocessing(siglip).mean == (0.5, 0.5, 0.5)
    assert load_preprocessing(siglip).resize_mode == "squash"


def test_a_file_of_a_model_whose_tags_differ_gets_clips() -> None:
    spec = EncoderSpec(model="ViT-L-14", pretrained="/any/w.safetensors")
    assert load_preprocessing(spec).mean == PreprocessCfg().mean
