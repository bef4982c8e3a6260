import math

import pytest
import torch

from poolscore.labels.candidates.alignment import (
    alignment_loss,
    alignment_ratio,
    alignment_target,
    mixed_posterior,
)


def test_target_by_hand() -> None:
    handcrafted = torch.tensor([[0.6, 0.3, 0.1]])
    learned = torch.tensor([[0.2, 0.2, 0.6]])
    mask = torch.tensor([[True, False, True]])
    # a = 0: 0.6 and 0.1 of 0.7. a = 1/2: 0.4 and 0.35 of 0.75.
    for mix, first in ((0.0, 6 / 7), (0.5, 0.4 / 0.75)):
        target = alignment_target(mixed_posterior(handcrafted, learned, mix), mask)
        torch.testing.assert_close(target, torch.tensor([[first, 0.0, 1 - first]]))


def test_loss_by_hand_and_no_gradient_through_the_target() -> None:
    logits = torch.tensor([[math.log(2.0), 0.0, 0.0]], requires_grad=True)
    posterior = torch.tensor([[0.5, 0.5, 0.0]], requires_grad=True)
    target = alignment_target(posterior, torch.tensor([[True, True, False]]))
    loss = alignment_loss(logits, target)
    # p = 1/2, 1/4, 1/4; target 1/2, 1/2, 0.
    assert loss.item() == pytest.approx(0.5 * math.log(2) + 0.5 * math.log(4))
    loss.sum().backward()
    assert posterior.grad is None


def test_both_parts_get_one_size_and_the_ratio_no_gradient() -> None:
    candidate = torch.tensor(3.0, requires_grad=True)
    alignment = torch.tensor(0.5, requires_grad=True)
    total = candidate + alignment * alignment_ratio(candidate, alignment)
    assert total.item() == 6.0
    total.backward()
    assert candidate.grad is not None
    assert alignment.grad is not None
    assert (candidate.grad.item(), alignment.grad.item()) == (1.0, 6.0)


def test_a_fitted_alignment_does_not_divide_by_zero() -> None:
    assert torch.isfinite(alignment_ratio(torch.tensor(0.0), torch.tensor(0.0)))
