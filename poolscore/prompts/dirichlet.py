"""Dirichlet meta-model: a small head on frozen features that says how much evidence there is.

"Post-hoc Uncertainty Learning using a Dirichlet Meta-Model" (AAAI 2023, arXiv 2212.07359), code
maohaos2/PosthocUQ. The head sits on intermediate features there, on the cached embedding here [C].
Shapes: N images, C classes, D embedding width, H hidden units.
"""

from dataclasses import dataclass

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch.nn.functional import relu

from poolscore.prompts.descent import descend


class DirichletConfig(BaseModel):
    """Head and fit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    divergence_weight: float = Field(default=1e-3, ge=0)
    """lambda, weight of the divergence from the flat Dirichlet [B: 1e-3, 0.1 on MNIST]."""
    hidden: int = Field(default=128, ge=1)
    """H [C]."""
    learning_rate: float = Field(default=0.003, gt=0)
    """Of Adam [C]."""
    weight_decay: float = Field(default=1e-3, ge=0)
    """Times the sum of squared weights, in the loss [C]."""
    steps: int = Field(default=300, ge=1)
    """Of Adam, the rate falling by a cosine [C]."""
    batch: int = Field(default=256, ge=1)
    """Labelled images a step [C]."""


@dataclass(frozen=True)
class DirichletHead:
    """The fitted head."""

    weights: tuple[torch.Tensor, ...]
    """(D, H), (H,), (H, C), (C,)."""

    def concentration(self, image_ND: torch.Tensor) -> torch.Tensor:
        """alpha = exp(head(v)), (N, C)."""
        return _log_concentration(self.weights, image_ND).exp()

    def predict(self, image_ND: torch.Tensor) -> torch.Tensor:
        """Mean of the Dirichlet, (N, C)."""
        alpha_NC = self.concentration(image_ND)
        return alpha_NC / alpha_NC.sum(dim=1, keepdim=True)


def fit_dirichlet(
    image_ND: torch.Tensor,
    target_N: torch.Tensor,
    classes: int,
    config: DirichletConfig | None = None,
    seed: int = 0,
) -> DirichletHead:
    """Fit the head to labels `target_N`; starts near alpha = 1 everywhere, no evidence."""
    config = config or DirichletConfig()
    generator = torch.Generator().manual_seed(seed)
    width = image_ND.shape[1]
    # Unit features have entries of size D^-1/2: no factor makes hidden units of order one.
    first_DH = torch.randn(width, config.hidden, generator=generator)
    second_HC = 0.1 / config.hidden * torch.randn(config.hidden, classes, generator=generator)
    weights = (first_DH, torch.zeros(config.hidden), second_HC, torch.zeros(classes))
    for weight in weights:
        weight.requires_grad_()

    def loss(rows_n: torch.Tensor) -> torch.Tensor:
        alpha_nC = _log_concentration(weights, image_ND[rows_n]).exp()
        decay = (first_DH.square().mean() + second_HC.square().sum()) * config.weight_decay
        return dirichlet_loss(alpha_nC, target_N[rows_n], config.divergence_weight).mean() + decay

    if len(image_ND):
        descend(
            weights,
            loss,
            len(image_ND),
            config.batch,
            config.steps,
            config.learning_rate,
            generator,
        )
    return DirichletHead(tuple(weight.detach() for weight in weights))


def dirichlet_loss(
    alpha_NC: torch.Tensor, target_N: torch.Tensor, divergence_weight: float
) -> torch.Tensor:
    """-(psi(alpha_y) - psi(alpha_0)) + lambda KL(Dir(alpha) || Dir(1)), one value an image [B].

    The constant of the divergence, -log Gamma(C), is dropped [B].
    """
    alpha0_N = alpha_NC.sum(dim=1)
    digamma_NC = alpha_NC.digamma() - alpha0_N.digamma()[:, None]
    surprise_N = -digamma_NC.gather(1, target_N[:, None])[:, 0]
    divergence_N = (
        alpha0_N.lgamma() - alpha_NC.lgamma().sum(dim=1) + ((alpha_NC - 1) * digamma_NC).sum(dim=1)
    )
    return surprise_N + divergence_weight * divergence_N


def _log_concentration(weights: tuple[torch.Tensor, ...], image_ND: torch.Tensor) -> torch.Tensor:
    first_DH, first_bias_H, second_HC, bias_C = weights
    return relu(image_ND @ first_DH + first_bias_H) @ second_HC + bias_C
