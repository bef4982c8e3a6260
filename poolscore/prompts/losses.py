"""What dual prompts minimise.

Shapes: N images of a batch, C classes, D embedding width.
"""

import math

import torch
from torch.nn.functional import cross_entropy, logsigmoid

from poolscore.prompts.config import GradientRouting

_SMALLEST_PROBABILITY = 1e-5
_LARGEST_LOSS = -math.log(_SMALLEST_PROBABILITY)


def classification_loss(positive_NC: torch.Tensor, target_N: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of the positive logits, one value an image (arXiv 2602.04340, Eq. 4) [A]."""
    return cross_entropy(positive_NC, target_N, reduction="none")


def dual_loss(
    clean_logit_NC: torch.Tensor, target_N: torch.Tensor, complement_N: torch.Tensor
) -> torch.Tensor:
    """-log p_clean(target) - log(1 - p_clean(complement)), one value an image.

    arXiv 2602.04340, Eq. 5, with the sign of its second term turned: as printed the loss has no
    lower bound and rewards calling a wrong label clean; the text around it and DeFT's code mean
    this one [C]. Probabilities below 1e-5 count as 1e-5 and send no gradient, as in DeFT [B].
    """
    clean_N = clean_logit_NC.gather(1, target_N[:, None])[:, 0]
    wrong_N = clean_logit_NC.gather(1, complement_N[:, None])[:, 0]
    return _surprise(clean_N) + _surprise(-wrong_N)


def soft_dual_loss(
    clean_logit_NC: torch.Tensor,
    share_NC: torch.Tensor,
    candidate_NC: torch.Tensor,
    generator: torch.Generator,
) -> torch.Tensor:
    """`dual_loss` where several classes may be right, one value an image [C].

    -log p_clean is averaged by `share_NC`, which sums to one over the candidates; the complement
    is drawn outside of them, and its term is zero where nothing is outside.
    """
    right_N = (share_NC * _surprise(clean_logit_NC)).sum(dim=1)
    outside_NC = (~candidate_NC).float().cpu()
    some_N = outside_NC.any(dim=1)
    # Rows without an outside draw anything; their term is dropped.
    outside_NC[~some_N] = 1.0
    drawn_N1 = torch.multinomial(outside_NC, 1, generator=generator).to(clean_logit_NC.device)
    wrong_N = _surprise(-clean_logit_NC.gather(1, drawn_N1)[:, 0])
    return right_N + wrong_N * some_N.to(wrong_N)


def clean_logits(
    image_ND: torch.Tensor,
    positive_NC: torch.Tensor,
    negative_CD: torch.Tensor,
    scale: float,
    routing: GradientRouting,
) -> torch.Tensor:
    """Logit of p_clean for every class, (N, C): positive minus negative logits (Eq. 3) [A].

    `routing` says what the dual loss may change. "deft": the negative context alone; the image
    feature and the positive logits are detached [B]. "activeclip": both contexts and the adapter,
    as the paper words it [A].
    """
    if routing == "deft":
        image_ND, positive_NC = image_ND.detach(), positive_NC.detach()
    return positive_NC - scale * image_ND @ negative_CD.T


def draw_complement(
    target_N: torch.Tensor, classes: int, generator: torch.Generator
) -> torch.Tensor:
    """Draw another class than the target, uniformly (Eq. 5) [A]; the target itself if C = 1."""
    if classes == 1:
        return target_N
    shift_N = torch.randint(1, classes, target_N.shape, generator=generator)
    return (target_N + shift_N.to(target_N.device)) % classes


def _surprise(logit: torch.Tensor) -> torch.Tensor:
    """-log sigmoid(logit), computed without overflow, cut at 1e-5 of probability."""
    return (-logsigmoid(logit)).clamp(max=_LARGEST_LOSS)
