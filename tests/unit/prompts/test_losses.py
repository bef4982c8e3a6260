import math

import pytest
import torch

from poolscore.prompts.config import GradientRouting
from poolscore.prompts.losses import (
    classification_loss,
    clean_logits,
    draw_complement,
    dual_loss,
    soft_dual_loss,
)


def test_classification_loss_by_hand() -> None:
    # Two equal logits: -log(1/2).
    loss = classification_loss(torch.zeros(1, 2), torch.tensor([0]))
    assert loss.item() == pytest.approx(math.log(2))


def test_dual_loss_by_hand() -> None:
    # p_clean = 0.8 for the target and 0.3 for the complement: -log 0.8 - log 0.7.
    logits = torch.tensor([[math.log(4.0), math.log(3 / 7)]])
    loss = dual_loss(logits, torch.tensor([0]), torch.tensor([1]))
    assert loss.item() == pytest.approx(-math.log(0.8) - math.log(0.7), abs=1e-6)


def test_calling_the_wrong_label_clean_costs() -> None:
    target, complement = torch.tensor([0]), torch.tensor([1])
    costs = [
        dual_loss(torch.tensor([[1.0, wrong]]), target, complement).item()
        for wrong in (-3.0, 0.0, 3.0)
    ]
    assert costs == sorted(costs)
    assert costs[0] > 0


def test_probabilities_are_clamped_as_in_deft() -> None:
    logits = torch.tensor([[-50.0, 50.0]], requires_grad=True)
    loss = dual_loss(logits, torch.tensor([0]), torch.tensor([1]))
    assert loss.item() == pytest.approx(-2 * math.log(1e-5), rel=1e-6)
    loss.sum().backward()
    assert logits.grad is not None
    assert logits.grad.abs().max() == 0


@pytest.mark.parametrize(("routing", "reaches_all"), [("deft", False), ("activeclip", True)])
def test_routing_decides_what_the_dual_loss_reaches(
    routing: GradientRouting, reaches_all: bool
) -> None:
    image = torch.tensor([[0.6, 0.8]], requires_grad=True)
    positive = torch.eye(2).requires_grad_(True)
    negative = torch.tensor([[0.8, 0.6], [0.6, -0.8]]).requires_grad_(True)
    clean = clean_logits(image, 10 * image @ positive.T, negative, 10.0, routing)
    dual_loss(clean, torch.tensor([0]), torch.tensor([1])).sum().backward()
    assert negative.grad is not None
    assert negative.grad.abs().sum() > 0
    assert (image.grad is not None) == reaches_all
    assert (positive.grad is not None) == reaches_all


def test_clean_logit_is_the_difference_of_the_two_prompts() -> None:
    image = torch.tensor([[0.6, 0.8]])
    clean = clean_logits(
        image, 10 * image @ torch.eye(2).T, torch.tensor([[0.0, 1.0], [1.0, 0.0]]), 10.0, "deft"
    )
    torch.testing.assert_close(clean, torch.tensor([[-2.0, 2.0]]))


def test_complement_is_every_other_class_and_never_the_target() -> None:
    generator = torch.Generator().manual_seed(0)
    target = torch.full((6000,), 2)
    drawn = draw_complement(target, 4, generator)
    counts = torch.bincount(drawn, minlength=4).tolist()
    assert counts[2] == 0
    # 2000 expected of each, standard deviation 36.5.
    assert all(abs(counts[k] - 2000) < 200 for k in (0, 1, 3))
    assert not torch.equal(drawn, draw_complement(target, 4, generator))


def test_one_class_has_no_complement() -> None:
    target = torch.zeros(3, dtype=torch.int64)
    assert torch.equal(draw_complement(target, 1, torch.Generator()), target)


def test_soft_dual_loss_of_one_candidate_is_the_plain_one() -> None:
    logits = torch.tensor([[0.3, -1.0], [2.0, 0.4]])
    target = torch.tensor([1, 0])
    one_hot = torch.eye(2)[target]
    soft = soft_dual_loss(logits, one_hot, one_hot.bool(), torch.Generator().manual_seed(0))
    # Of two classes the complement is the other one, whatever is drawn.
    torch.testing.assert_close(soft, dual_loss(logits, target, 1 - target))
