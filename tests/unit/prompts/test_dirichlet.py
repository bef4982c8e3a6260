import numpy as np
import pytest
import torch
from torch.distributions import Dirichlet, kl_divergence

from poolscore.prompts.dirichlet import dirichlet_loss, fit_dirichlet

ALPHA = torch.tensor([[0.5, 2.0, 7.0], [1.0, 1.0, 1.0], [30.0, 0.1, 4.0]])


def test_loss_is_expected_surprise_and_divergence() -> None:
    target = torch.tensor([2, 0, 1])
    # E[-log p_y] under a Dirichlet is psi(alpha_0) - psi(alpha_y).
    surprise = ALPHA.sum(1).digamma() - ALPHA.digamma()[torch.arange(3), target]
    divergence = kl_divergence(Dirichlet(ALPHA), Dirichlet(torch.ones(3, 3)))
    expected = surprise + 0.1 * (divergence + np.log(2))  # log Gamma(3) is dropped
    torch.testing.assert_close(dirichlet_loss(ALPHA, target, 0.1), expected)


def test_surprise_by_hand() -> None:
    # psi(3) - psi(1) = 1 + 1/2.
    loss = dirichlet_loss(torch.ones(1, 3), torch.tensor([0]), 0.0)
    assert loss.item() == pytest.approx(1.5)


def test_evidence_is_where_the_labels_are() -> None:
    generator = torch.Generator().manual_seed(0)
    centre = torch.nn.functional.normalize(torch.randn(3, 16, generator=generator), dim=1)
    target = torch.arange(150) % 3
    noise = 0.1 * torch.randn(150, 16, generator=generator)
    image = torch.nn.functional.normalize(centre[target] + noise, dim=1)
    head = fit_dirichlet(image[:90], target[:90], 3, seed=2)
    p = head.predict(image[90:])
    torch.testing.assert_close(p.sum(1), torch.ones(60))
    assert (p.argmax(1) == target[90:]).float().mean() > 0.95
    between = torch.nn.functional.normalize(centre.mean(0, keepdim=True), dim=1)
    assert head.concentration(between).sum() < 0.5 * head.concentration(image[90:]).sum(1).mean()
    again = fit_dirichlet(image[:90], target[:90], 3, seed=2)
    assert torch.equal(again.predict(image), head.predict(image))


def test_without_labels_there_is_almost_no_evidence() -> None:
    head = fit_dirichlet(torch.zeros(0, 8), torch.zeros(0, dtype=torch.int64), 3)
    drawn = torch.randn(10, 8, generator=torch.Generator().manual_seed(0))
    image = torch.nn.functional.normalize(drawn, dim=1)
    torch.testing.assert_close(head.concentration(image), torch.ones(10, 3), atol=0.1, rtol=0)
