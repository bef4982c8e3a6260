"""LWS, leveraged weights: candidates pulled up and all other classes pushed down, both weighted."""

import torch

_SMALLEST = 1e-7


def lws_start(mask_NC: torch.Tensor) -> torch.Tensor:
    """Weights before any training: 1/C everywhere, (N, C) [B: CoOpPLL]."""
    return torch.full(mask_NC.shape, 1.0 / mask_NC.shape[1], device=mask_NC.device)


def lws_weights(logits_NC: torch.Tensor, mask_NC: torch.Tensor) -> torch.Tensor:
    """Probabilities rescaled to one inside and to one outside of the candidates, (N, C).

    No gradient [B: CoOpPLL]. Where every class is a candidate, nothing is outside.
    """
    logits = logits_NC.detach()
    inside_NC = logits.masked_fill(~mask_NC, float("-inf")).softmax(dim=1)
    outside_NC = logits.masked_fill(mask_NC, float("-inf")).softmax(dim=1)
    return torch.where(mask_NC, inside_NC, outside_NC)


def lws_loss(
    logits_NC: torch.Tensor, mask_NC: torch.Tensor, weights_NC: torch.Tensor
) -> torch.Tensor:
    """Sum over candidates of -w log p plus sum over the others of -w log(1 - p), (N,).

    Both sums have weight 1 [B: CoOpPLL]; 1 - p below 1e-7 counts as 1e-7 [C].
    """
    log_p_NC = logits_NC.log_softmax(dim=1)
    log_rest_NC = (1.0 - log_p_NC.exp()).clamp(min=_SMALLEST).log()
    return -(weights_NC * torch.where(mask_NC, log_p_NC, log_rest_NC)).sum(dim=1)
