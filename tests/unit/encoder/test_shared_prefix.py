from typing import Any

import pytest
import torch
from torch import nn

from poolscore.encoder.class_tokens import Tokenizer
from poolscore.encoder.load import load_encoder
from poolscore.encoder.plain import PlainPromptText
from poolscore.encoder.prompt_text import PromptTextEncoder
from poolscore.encoder.shared_prefix import SharedPrefixPromptText, shares_prefix
from poolscore.encoder.spec import EncoderSpec
from tests.unit.encoder.conftest import BuildModel

CLASSES = [
    "hard-leaved pocket orchid",
    "cat",
    "great_white shark",
    "apple pie",
    "dog",
    "cat that sleeps on a very long table",
]
TOWERS: dict[str, dict[str, Any]] = {
    "small": {},
    "embedded": {"text": {"width": 96, "heads": 4, "layers": 4}},
    "ViT-B-32": {"text": {"width": 512, "heads": 8, "layers": 12}},
    "quick_gelu": {"quick_gelu": True},
    "layer_scale": {"text": {"ls_init_value": 0.5}},
    "linear_projection": {"custom": True, "text": {"proj_bias": True}},
    "no_projection": {"text": {"proj_type": "none"}},
    "eos_pool": {"custom": True, "text": {"pool_type": "eos", "eos_id": 49407}},
    "float32_norms": {"cast_dtype": torch.bfloat16},
    "one_layer": {"text": {"layers": 1}},
}


def _features_and_gradient(
    text: PromptTextEncoder, prompts: int, spread: float
) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    contexts = torch.randn(prompts, text.num_contexts, text.width, generator=generator) * spread
    contexts.requires_grad_()
    features = text(contexts)
    weights = torch.randn(features.shape, generator=generator)
    (gradient,) = torch.autograd.grad((features * weights).sum(), contexts)
    return features.detach(), gradient


def _assert_equal_steps(model: nn.Module, tokenizer: Tokenizer, num_contexts: int) -> None:
    full = PlainPromptText(model, tokenizer, CLASSES, num_contexts)
    shared = SharedPrefixPromptText(model, tokenizer, CLASSES, num_contexts)
    assert (shared.width, shared.num_classes) == (full.width, full.num_classes)
    expected, expected_gradient = _features_and_gradient(full, 2, 0.05)
    features, gradient = _features_and_gradient(shared, 2, 0.05)
    assert features.shape == expected.shape
    assert float((features - expected).abs().max()) < 1e-5
    largest = float(expected_gradient.abs().max())
    assert largest > 1e-3
    assert float((gradient - expected_gradient).abs().max()) < 1e-5 * max(largest, 1)


@pytest.mark.parametrize("num_contexts", [4, 16])
@pytest.mark.parametrize("tower", TOWERS)
def test_outputs_and_gradients_equal_the_full_pass(
    tower: str, num_contexts: int, build_model: BuildModel, tokenizer: Tokenizer
) -> None:
    model = build_model(**TOWERS[tower])
    assert shares_prefix(model)
    _assert_equal_steps(model, tokenizer, num_contexts)


def test_the_shipped_weights_take_this_path_and_agree(tokenizer: Tokenizer) -> None:
    encoder = load_encoder(EncoderSpec(), device="cpu")
    assert isinstance(encoder.prompt_encoder(CLASSES, 16), SharedPrefixPromptText)
    _assert_equal_steps(vars(encoder)["_model"], tokenizer, 16)


def test_a_name_that_fills_the_tower(build_model: BuildModel, tokenizer: Tokenizer) -> None:
    model = build_model()
    names = ["cat " * 100, "dog"]
    contexts = torch.randn(1, 16, 32)
    full = PlainPromptText(model, tokenizer, names, 16)(contexts)
    shared = SharedPrefixPromptText(model, tokenizer, names, 16)(contexts)
    assert torch.allclose(shared, full, atol=1e-6)


@pytest.mark.parametrize(
    "text",
    [
        {"no_causal_mask": True},
        {"embed_cls": True},
        {"pool_type": "last"},
        {"scale_attn": True},
    ],
)
def test_towers_for_which_it_would_be_wrong_are_left_to_the_full_pass(
    text: dict[str, Any], build_model: BuildModel
) -> None:
    assert not shares_prefix(build_model(custom=True, text=text))
