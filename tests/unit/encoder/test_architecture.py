import pytest

from poolscore.encoder.architecture import model_config
from poolscore.encoder.spec import EncoderSpec
from poolscore.errors import InvalidInputError


@pytest.mark.parametrize("model", ["local-dir:/etc", "hf-hub:laion/any"])
def test_a_name_leads_nowhere_else(model: str) -> None:
    with pytest.raises(InvalidInputError, match=model) as caught:
        model_config(EncoderSpec(model=model))
    assert caught.value.reason == "UNKNOWN_MODEL"


def test_an_unknown_name_brings_its_neighbours() -> None:
    with pytest.raises(InvalidInputError, match="ViT-B-32") as caught:
        model_config(EncoderSpec(model="vitb32", pretrained="openai"))
    assert caught.value.reason == "UNKNOWN_MODEL"


def test_the_embedded_model_is_one_of_open_clips() -> None:
    config = model_config(EncoderSpec())
    assert config["text_cfg"]["context_length"] == 77


def test_weights_trained_with_quick_gelu_get_it() -> None:
    assert model_config(EncoderSpec(model="ViT-B-32", pretrained="openai"))["quick_gelu"] is True
    other = model_config(EncoderSpec(model="ViT-B-32", pretrained="laion2b_s34b_b79k"))
    assert not other.get("quick_gelu", False)
