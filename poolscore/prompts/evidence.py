"""How uncertain a Dirichlet is, and about what.

Shapes: N images, C classes; `alpha_NC` are concentrations, alpha_0 their sum.
"""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Evidence:
    """Measures of one Dirichlet an image, each (N,) (github.com/maohaos2/PosthocUQ) [B]."""

    probability_N: torch.Tensor
    """Largest alpha / alpha_0."""
    entropy_N: torch.Tensor
    """Entropy of the mean: all uncertainty."""
    mutual_information_N: torch.Tensor
    """Of label and class probabilities: what more labels would settle."""
    differential_entropy_N: torch.Tensor
    """Of the Dirichlet itself; largest, -log Gamma(C), where it is flat."""
    precision_N: torch.Tensor
    """alpha_0."""
    vacuity_N: torch.Tensor
    """C / alpha_0: 1 where there is no evidence (subjective logic; arXiv 2602.18867 [A])."""


def evidence(alpha_NC: torch.Tensor) -> Evidence:
    """Return all measures."""
    alpha0_N = alpha_NC.sum(dim=1)
    mean_NC = alpha_NC / alpha0_N[:, None]
    entropy_N = torch.special.entr(mean_NC).sum(dim=1)
    # Mean entropy of a draw: -sum of mean x (psi(alpha + 1) - psi(alpha_0 + 1)).
    gap_NC = (alpha_NC + 1).digamma() - (alpha0_N + 1).digamma()[:, None]
    classes = alpha_NC.shape[1]
    log_beta_N = alpha_NC.lgamma().sum(dim=1) - alpha0_N.lgamma()
    spread_N = (alpha0_N - classes) * alpha0_N.digamma()
    return Evidence(
        probability_N=mean_NC.amax(dim=1),
        entropy_N=entropy_N,
        mutual_information_N=entropy_N + (mean_NC * gap_NC).sum(dim=1),
        differential_entropy_N=log_beta_N
        + spread_N
        - ((alpha_NC - 1) * alpha_NC.digamma()).sum(dim=1),
        precision_N=alpha0_N,
        vacuity_N=classes / alpha0_N,
    )
