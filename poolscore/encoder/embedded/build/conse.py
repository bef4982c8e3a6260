"""The image head's teacher, ConSE: class vectors weighted by the classifier's probabilities.

Norouzi et al., "Zero-Shot Learning by Convex Combination of Semantic Embeddings", ICLR 2014.

Shapes: N samples, C = 1,000 classes, F = 1,280 pooled features, W = 96 semantic, R = 288 residual.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from .config import HeadConfig


@dataclass(frozen=True)
class Classifier:
    """The trunk's 1,000-class layer."""

    weight_CF: Tensor
    bias_C: Tensor

    def conse(self, x_NF: Tensor, classes_CW: Tensor, config: HeadConfig) -> Tensor:
        """Semantic target (N, W); it is longer where the classifier is surer."""
        logits_NC = (x_NF @ self.weight_CF.T + self.bias_C) / config.temperature
        shares, index = logits_NC.softmax(1).topk(config.top_classes, 1)
        kept_NC = torch.zeros_like(logits_NC).scatter_(1, index, shares)
        mean_NW = kept_NC @ classes_CW
        length_N1 = mean_NW.norm(dim=1, keepdim=True).clamp_min(1e-4)
        return mean_NW / length_N1 * length_N1**config.length_power


@dataclass(frozen=True)
class Residual:
    """What the picture looks like beside its meaning: partly whitened principal parts."""

    mean_F: Tensor
    basis_FR: Tensor
    length: float

    def target(self, x_NF: Tensor) -> Tensor:
        """Residual target (N, R), all of one length."""
        return functional.normalize((x_NF - self.mean_F) @ self.basis_FR, dim=1) * self.length


def fit_residual(x_NF: Tensor, size: int, config: HeadConfig) -> Residual:
    """Principal parts of features, scaled by the power ``config.residual_whitening``."""
    mean_F = x_NF.mean(0)
    values, vectors = torch.linalg.eigh(torch.cov((x_NF - mean_F).double().T))
    values, vectors = values.flip(0)[:size], vectors.flip(1)[:, :size]
    vectors = vectors * vectors.gather(0, vectors.abs().argmax(0)[None]).sign()
    basis_FR = vectors * values ** (-config.residual_whitening / 2)
    return Residual(mean_F, basis_FR.float(), config.residual_length)
