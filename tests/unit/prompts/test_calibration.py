import math

import numpy as np
import pytest
import torch

from poolscore.prompts.calibration import annealed_weight, calibration_loss


def transcribed(z: np.ndarray, y: np.ndarray) -> float:
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    entropy = -(p * np.log(p + 1e-6)).sum(1)
    right = z.argmax(1) == y
    loss = 0.0
    if right.any():
        loss += (~right).mean() * np.mean(-np.log(1 - np.tanh(entropy[right]) + 1e-6))
    if (~right).any():
        loss += right.mean() * np.mean(-np.log(np.tanh(entropy[~right]) + 1e-6))
    return loss


@pytest.mark.parametrize("share", [0.0, 0.6, 1.0])
def test_loss_in_float64(share: float) -> None:
    rng = np.random.default_rng(2)
    z = 2 * rng.standard_normal((10, 4))
    y = np.where(np.arange(10) < 10 * share, z.argmax(1), (z.argmax(1) + 1) % 4)
    found = calibration_loss(torch.tensor(z, dtype=torch.float32), torch.tensor(y))
    assert found.item() == pytest.approx(transcribed(z, y), rel=1e-5, abs=1e-7)


def test_it_lowers_certainty_when_wrong_and_raises_it_when_right() -> None:
    z = torch.tensor([[1.0, 0.0], [1.0, 0.0]], requires_grad=True)
    calibration_loss(z, torch.tensor([0, 1])).backward()
    assert z.grad is not None
    assert z.grad[0, 0] < 0 < z.grad[1, 0]


def test_certain_predictions_keep_it_finite() -> None:
    z = torch.tensor([[300.0, 0.0], [300.0, 0.0]], requires_grad=True)
    loss = calibration_loss(z, torch.tensor([0, 1]))
    loss.backward()
    # Half of -log 1e-6, the other half is almost zero.
    assert loss.item() == pytest.approx(0.5 * -math.log(1e-6), rel=1e-3)
    assert z.grad is not None
    assert bool(torch.isfinite(z.grad).all())


def test_annealing_by_hand() -> None:
    weights = [annealed_weight(2.0, step, 20) for step in (0, 1, 2, 11, 20)]
    assert weights == pytest.approx([0.0, 0.01, 0.02, 0.02 + 1.98 / 2, 2.0])
    assert annealed_weight(2.0, 0, 5) == pytest.approx(0.02)
