"""Which terms the configuration switches on, and how they add up."""

import pytest
import torch

from poolscore.prompts.batches import Batch
from poolscore.prompts.calibration import annealed_weight, calibration_loss
from poolscore.prompts.config import DualPromptConfig
from poolscore.prompts.objective import Forward, Objective
from poolscore.prompts.regularisers import feature_consistency, logit_consistency, margin_logits
from poolscore.prompts.targets import PlainTargets

BASE = DualPromptConfig(dual_weight=0.0, anchor_weight=0.0)
SCALE = 7.0


def unit(*shape: int, seed: int) -> torch.Tensor:
    drawn = torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.normalize(drawn, dim=-1)


POSITIVE, ANCHOR = unit(3, 6, seed=0), unit(3, 6, seed=1)
IMAGE, ADAPTED = unit(4, 6, seed=2), unit(4, 6, seed=3)
LOGITS, TARGET = SCALE * ADAPTED @ POSITIVE.T, torch.tensor([0, 1, 2, 1])
SEEN = Forward(POSITIVE, unit(3, 6, seed=4), IMAGE, ADAPTED, LOGITS)


def loss(anchor: torch.Tensor | None = ANCHOR, **changes: object) -> torch.Tensor:
    targets = PlainTargets(TARGET, torch.Generator().manual_seed(0))
    objective = Objective(targets, SCALE, BASE.model_copy(update=changes), anchor)
    return objective(SEEN, Batch(torch.arange(4), torch.full((4,), 0.25)), 30, 40)


def cross_entropy(logits: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.cross_entropy(logits, TARGET)


def test_all_switched_off_is_cross_entropy() -> None:
    torch.testing.assert_close(loss(), cross_entropy(LOGITS))


@pytest.mark.parametrize(
    ("changes", "term"),
    [
        (
            {"calibration_weight": 2.0},
            annealed_weight(2.0, 30, 40) * calibration_loss(LOGITS, TARGET),
        ),
        ({"text_consistency": 25.0}, 25 * feature_consistency(POSITIVE, ANCHOR)),
        ({"image_consistency": 10.0}, 10 * feature_consistency(ADAPTED, IMAGE)),
        ({"logit_consistency": 1.0}, logit_consistency(LOGITS, SCALE * IMAGE @ ANCHOR.T)),
    ],
)
def test_a_term_is_added(changes: dict[str, float], term: torch.Tensor) -> None:
    torch.testing.assert_close(loss(ANCHOR, **changes), cross_entropy(LOGITS) + term)


def test_margin_uses_frozen_text_features() -> None:
    one_hot = torch.eye(3)[TARGET]
    for anchor, text in ((ANCHOR, ANCHOR), (None, POSITIVE)):
        expected = cross_entropy(margin_logits(LOGITS, one_hot, text, SCALE, 0.3))
        torch.testing.assert_close(loss(anchor, margin=0.3), expected)


def test_without_anchor_there_is_nothing_to_stay_near_to() -> None:
    found = loss(None, text_consistency=25.0, logit_consistency=1.0, anchor_weight=8.0)
    torch.testing.assert_close(found, cross_entropy(LOGITS))
