from typing import Any

import pytest
import torch

from poolscore.encoder.class_specific import ClassSpecificPromptText
from poolscore.encoder.class_tokens import Tokenizer
from poolscore.encoder.plain import PlainPromptText
from poolscore.encoder.shared_prefix import SharedPrefixPromptText
from tests.unit.encoder.conftest import BuildModel

CLASSES = ["cat", "hard-leaved pocket orchid", "great_white shark"]
TOWERS: list[dict[str, Any]] = [
    {},
    {"custom": True, "text": {"proj_bias": True}},
    {"custom": True, "text": {"pool_type": "eos", "eos_id": 49407}},
]


@pytest.mark.parametrize("tower", TOWERS)
def test_features_and_gradients_are_those_of_the_full_pass(
    tower: dict[str, Any], build_model: BuildModel, tokenizer: Tokenizer
) -> None:
    model = build_model(**tower)
    full = PlainPromptText(model, tokenizer, CLASSES, 4)
    cut = ClassSpecificPromptText(model, tokenizer, CLASSES, 4)
    assert (cut.width, cut.num_classes, cut.num_contexts) == (full.width, 3, 4)
    generator = torch.Generator().manual_seed(0)
    contexts = torch.randn(2, 3, 4, full.width, generator=generator).requires_grad_()
    expected, features = full(contexts), cut(contexts)
    assert features.shape == (2, 3, 24)
    torch.testing.assert_close(features, expected, atol=1e-5, rtol=0)
    weights = torch.randn(features.shape, generator=generator)
    gradients = [
        torch.autograd.grad((each * weights).sum(), contexts)[0] for each in (expected, features)
    ]
    torch.testing.assert_close(*gradients, atol=1e-5, rtol=1e-4)


def test_equal_contexts_of_all_classes_are_a_shared_context(
    build_model: BuildModel, tokenizer: Tokenizer
) -> None:
    model = build_model()
    shared = SharedPrefixPromptText(model, tokenizer, CLASSES, 4)
    cut = ClassSpecificPromptText(model, tokenizer, CLASSES, 4)
    contexts = torch.randn(2, 4, cut.width, generator=torch.Generator().manual_seed(0))
    repeated = contexts[:, None].expand(-1, 3, -1, -1)
    torch.testing.assert_close(cut(repeated), shared(contexts), atol=1e-5, rtol=0)
    with pytest.raises(ValueError, match="ClassSpecific"):
        shared(repeated)
