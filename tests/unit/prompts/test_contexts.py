import pytest
import torch

from poolscore.prompts.config import DualPromptConfig
from poolscore.prompts.contexts import anchor_distance, initial_contexts, pull_to_anchor
from tests.unit.prompts.toy_text import ToyText


def test_without_an_anchor_contexts_are_drawn() -> None:
    text = ToyText(classes=2, contexts=50, width=100)
    config = DualPromptConfig(context_length=50)
    contexts = initial_contexts(text, config, 0, None)
    assert contexts.shape == (2, 50, 100)
    assert contexts.std().item() == pytest.approx(0.02, rel=0.03)
    assert contexts.mean().abs().item() < 1e-3
    assert torch.equal(contexts, initial_contexts(text, config, 0, None))
    assert not torch.equal(contexts, initial_contexts(text, config, 1, None))


def test_one_context_a_class_and_no_negative_one_where_nothing_trains_it() -> None:
    text = ToyText(classes=3)
    config = DualPromptConfig(context_length=4, class_specific=True, dual_weight=0)
    assert initial_contexts(text, config, 0, None).shape == (1, 3, 4, 8)


def test_with_an_anchor_they_start_near_it(text: ToyText, anchor_CD: torch.Tensor) -> None:
    config = DualPromptConfig(context_length=text.num_contexts)
    drawn, pulled = (initial_contexts(text, config, 0, each) for each in (None, anchor_CD))
    assert torch.equal(pulled, pull_to_anchor(drawn, text, anchor_CD, config))


def test_pulling_comes_nearer_to_the_anchor(text: ToyText, anchor_CD: torch.Tensor) -> None:
    start = torch.randn(
        2, text.num_contexts, text.width, generator=torch.Generator().manual_seed(0)
    )
    before = start.clone()
    config = DualPromptConfig(warm_start_steps=30, warm_start_learning_rate=0.05)
    after = pull_to_anchor(start, text, anchor_CD, config)
    assert torch.equal(start, before)
    assert anchor_distance(text(after), anchor_CD) < 0.5 * anchor_distance(text(start), anchor_CD)
    untouched = pull_to_anchor(
        start, text, anchor_CD, config.model_copy(update={"warm_start_steps": 0})
    )
    assert torch.equal(untouched, start)


def test_anchor_distance_by_hand() -> None:
    features = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    anchor = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    # Squared distances 0 and 2, mean 1.
    assert anchor_distance(features, anchor).item() == 1.0
