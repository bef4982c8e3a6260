import pytest
import torch

from poolscore.prompts.config import DualPromptConfig
from poolscore.prompts.contexts import anchor_distance, pull_to_anchor, random_contexts
from tests.unit.prompts.toy_text import ToyText


def test_random_contexts_have_the_asked_spread() -> None:
    text = ToyText(classes=2, contexts=50, width=100)
    contexts = random_contexts(text, 2, 0.02, torch.Generator().manual_seed(0))
    assert contexts.shape == (2, 50, 100)
    assert contexts.std().item() == pytest.approx(0.02, rel=0.03)
    assert contexts.mean().abs().item() < 1e-3


def test_pulling_comes_nearer_to_the_anchor(text: ToyText, anchor_CD: torch.Tensor) -> None:
    start = random_contexts(text, 2, 1.0, torch.Generator().manual_seed(0))
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
