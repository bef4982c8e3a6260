from typing import Any

import pytest
import torch
from torch import nn

from poolscore.encoder.class_tokens import Tokenizer
from poolscore.encoder.plain import PlainPromptText, token_embedding
from poolscore.errors import InvalidInputError
from tests.unit.encoder.conftest import BuildModel

CLASSES = ["cat", "great_white shark"]
TOWERS: list[dict[str, Any]] = [
    {},
    {"custom": True},
    {"custom": True, "text": {"no_causal_mask": True, "pool_type": "last", "proj_bias": True}},
    {"custom": True, "text": {"embed_cls": True, "pad_id": 0}},
]


@pytest.mark.parametrize("tower", TOWERS)
def test_contexts_of_real_tokens_give_the_texts_own_features(
    tower: dict[str, Any], build_model: BuildModel, tokenizer: Tokenizer
) -> None:
    model: Any = build_model(**tower)
    text = PlainPromptText(model, tokenizer, CLASSES, 4)
    words = [tokenizer([start])[0, 1:5] for start in ("a photo of a", "the blurry picture of")]
    contexts_PMW = token_embedding(model)(torch.stack(words))
    texts = [
        f"{start} {name}."
        for start in ("a photo of a", "the blurry picture of")
        for name in ("cat", "great white shark")
    ]
    expected = model.encode_text(tokenizer(texts), normalize=True)
    assert torch.allclose(text(contexts_PMW).flatten(0, 1), expected, atol=1e-6)


def test_gradients_reach_every_context_and_nothing_else(
    build_model: BuildModel, tokenizer: Tokenizer
) -> None:
    model = build_model()
    text = PlainPromptText(model, tokenizer, CLASSES, 4)
    contexts = torch.randn(2, 4, text.width, requires_grad=True)
    text(contexts)[..., 0].sum().backward()
    assert contexts.grad is not None
    assert bool((contexts.grad.abs().sum(dim=-1) > 0).all())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_the_tower_is_left_as_it_was(build_model: BuildModel, tokenizer: Tokenizer) -> None:
    model: Any = build_model()
    ids = tokenizer(["a cat"])
    before = model.encode_text(ids)
    text = PlainPromptText(model, tokenizer, CLASSES, 4)
    text(torch.randn(1, 4, text.width))
    assert torch.equal(model.encode_text(ids), before)


def test_a_tower_without_token_vectors_says_so(tokenizer: Tokenizer) -> None:
    with pytest.raises(InvalidInputError, match="zero-shot") as caught:
        PlainPromptText(nn.Linear(2, 2), tokenizer, CLASSES, 4)
    assert caught.value.reason == "UNSUPPORTED_TEXT_TOWER"
