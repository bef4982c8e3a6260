"""Made-up pooled features, so that the head follows its teacher well beyond the stored samples.

The teacher is a known function of the features, so any input near where photographs lie may be
used.

Shapes: N samples, C = 1,000 classes, F = 1,280 pooled features.
"""

from __future__ import annotations

import torch
from torch import Tensor


class FeatureSampler:
    """Draws batches of plain, blended, crossed and pushed features."""

    def __init__(self, stored_NF: Tensor, classifier_CF: Tensor, push: float, seed: int) -> None:
        """``push`` is the usual rise of a pushed class's logit."""
        self._stored_NF = stored_NF
        # Adding a times this row raises that class's logit by a.
        self._rows_CF = classifier_CF / classifier_CF.pow(2).sum(1, keepdim=True)
        self._push, self._rng = push, torch.Generator().manual_seed(seed)

    def _rand(self, *shape: int) -> Tensor:
        return torch.rand(*shape, generator=self._rng)

    def _randn(self, *shape: int) -> Tensor:
        return torch.randn(*shape, generator=self._rng)

    def plain(self, count: int) -> Tensor:
        """Stored samples."""
        return self._stored_NF[torch.randint(len(self._stored_NF), (count,), generator=self._rng)]

    def blended(self, count: int) -> Tensor:
        """Means of two samples, one of them at least as heavy as the other."""
        share = 0.5 + 0.5 * self._rand(count, 1)
        return share * self.plain(count) + (1 - share) * self.plain(count)

    def crossed(self, count: int) -> Tensor:
        """Some channels from one sample, the others from another."""
        mask = self._rand(count, self._stored_NF.shape[1]) < self._rand(count, 1)
        return torch.where(mask, self.plain(count), self.plain(count))

    def pushed(self, count: int) -> Tensor:
        """Faded samples moved along the rows of three classes."""
        classes = torch.randint(len(self._rows_CF), (count, 3), generator=self._rng)
        sizes = self._randn(count, 3).abs() * self._push * torch.tensor([1.0, 0.5, 0.5])
        moves = torch.einsum("nk,nkf->nf", sizes, self._rows_CF[classes])
        return (self.plain(count) * (0.4 + 0.6 * self._rand(count, 1)) + moves).clamp_min(0)

    def draw(self, count: int) -> Tensor:
        """A batch (N, F): a quarter of each kind, with multiplicative noise."""
        part = count // 4
        makers = (self.plain, self.blended, self.crossed)
        x_NF = torch.cat([maker(part) for maker in makers] + [self.pushed(count - 3 * part)])
        x_NF = x_NF * (1 + 0.1 * self._randn(count, 1))
        return x_NF * (1 + 0.1 * self._randn(*x_NF.shape))
