"""Weights averaged over the course of training instead of the last ones."""

import math
from collections.abc import Sequence

import torch


def gaussian_weight(step: int, steps: int) -> float:
    """exp(-((x - 15) / 1)^2 / 2) at x = 20 step / steps, for step 1 to `steps` (PromptSRC).

    arXiv 2307.06948 averages the prompts after each of 20 epochs [B]; here after every step, on
    the same course [C].
    """
    return math.exp(-0.5 * (20.0 * step / steps - 15.0) ** 2)


def beta_weight(step: int, steps: int) -> float:
    """Density of Beta(1/2, 1/2) at (step + 1/2) / (steps + 1), for step 0 to `steps` (CLIPood).

    arXiv 2302.00864 [B]: the start and the end count most.
    """
    x = (step + 0.5) / (steps + 1)
    return 1.0 / (math.pi * math.sqrt(x * (1 - x)))


class WeightAverage:
    """A running weighted mean of some tensors."""

    def __init__(self, tensors: Sequence[torch.Tensor]) -> None:
        """Nothing is counted yet."""
        self._tensors = list(tensors)
        self._sums = [torch.zeros_like(tensor, requires_grad=False) for tensor in tensors]
        self._total = 0.0

    @torch.no_grad()
    def add(self, weight: float) -> None:
        """Count the tensors as they are now."""
        for total, tensor in zip(self._sums, self._tensors, strict=True):
            total.add_(tensor, alpha=weight)
        self._total += weight

    @torch.no_grad()
    def apply(self) -> None:
        """Set the tensors to their mean."""
        for total, tensor in zip(self._sums, self._tensors, strict=True):
            tensor.copy_(total / self._total)
