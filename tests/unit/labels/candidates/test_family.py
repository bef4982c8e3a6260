"""Every loss against a transcription in float64, loops and all."""

import math
from typing import get_args

import numpy as np
import numpy.typing as npt
import pytest
import torch

from poolscore.labels.candidates.family import CandidateLoss, CandidateLossName

F64 = npt.NDArray[np.float64]
NAMES: tuple[CandidateLossName, ...] = get_args(CandidateLossName)


def softmax(z: F64) -> F64:
    e = np.exp(z - z.max())
    return e / e.sum()


def transcribed(name: str, z: F64, s: set[int], w: F64 | None) -> float:
    p, classes = softmax(z), range(len(z))
    if name == "naive":
        return -sum(math.log(p[y]) for y in s) / len(s)
    if name == "cc":
        return -math.log(sum(p[y] for y in s) + 1e-7)
    if name == "cavl":
        best = max(s, key=lambda y: abs(1 - z[y]) * z[y])
        return -math.log(p[best])
    if w is None:
        w = np.array(
            [1 / len(z) if name == "lws" else (1 / len(s) if y in s else 0.0) for y in classes]
        )
    inside = -sum(w[y] * math.log(p[y]) for y in s)
    if name == "rc":
        return inside
    return inside - sum(w[y] * math.log(1 - p[y]) for y in classes if y not in s)


def updated(name: str, z: F64, s: set[int]) -> F64:
    p = softmax(z)
    inside, outside = sum(p[y] for y in s), sum(p[y] for y in range(len(z)) if y not in s)
    return np.array(
        [p[y] / inside if y in s else (p[y] / outside if name == "lws" else 0) for y in range(5)]
    )


SETS = [{0, 3}, {1}, {0, 1, 4}, {2, 3, 4}]


@pytest.fixture
def mask() -> torch.Tensor:
    return torch.tensor([[y in s for y in range(5)] for s in SETS])


@pytest.fixture
def logits() -> torch.Tensor:
    return 2 * torch.randn(2, 4, 5, generator=torch.Generator().manual_seed(5))


@pytest.mark.parametrize("name", NAMES)
def test_losses_before_and_after_an_update(
    name: CandidateLossName, mask: torch.Tensor, logits: torch.Tensor
) -> None:
    loss = CandidateLoss(name, mask)
    z = logits.double().numpy()
    rows = torch.tensor([2, 0])
    expected = [transcribed(name, z[0][i], SETS[i], None) for i in (2, 0)]
    np.testing.assert_allclose(loss(logits[0][rows], rows).numpy(), expected, rtol=1e-5)
    loss.update(logits[0][rows], rows)
    weights = {i: updated(name, z[0][i], SETS[i]) for i in (0, 2)}
    expected = [transcribed(name, z[1][i], SETS[i], weights.get(i)) for i in range(4)]
    np.testing.assert_allclose(loss(logits[1], torch.arange(4)).numpy(), expected, rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_only_the_logits_receive_a_gradient_and_it_is_finite(
    name: CandidateLossName, mask: torch.Tensor
) -> None:
    extreme = (200 * torch.randn(4, 5, generator=torch.Generator().manual_seed(1))).requires_grad_()
    loss = CandidateLoss(name, mask)
    loss.update(extreme, torch.arange(4))
    total = loss(extreme, torch.arange(4)).sum()
    total.backward()
    assert torch.isfinite(total)
    assert extreme.grad is not None
    assert bool(torch.isfinite(extreme.grad).all())


@pytest.mark.parametrize("name", ["naive", "cc", "rc", "cavl"])
def test_a_single_candidate_is_a_plain_label(name: CandidateLossName, logits: torch.Tensor) -> None:
    target = torch.tensor([0, 4, 2, 2])
    loss = CandidateLoss(name, torch.eye(5, dtype=torch.bool)[target])
    expected = torch.nn.functional.cross_entropy(logits[0], target, reduction="none")
    torch.testing.assert_close(loss(logits[0], torch.arange(4)), expected, rtol=1e-4, atol=1e-5)


def test_every_class_a_candidate(logits: torch.Tensor) -> None:
    loss = CandidateLoss("lws", torch.ones(4, 5, dtype=torch.bool))
    loss.update(logits[0], torch.arange(4))
    p = logits[0].softmax(1)
    entropy = -(p * p.log()).sum(1)
    torch.testing.assert_close(loss(logits[0], torch.arange(4)), entropy)
