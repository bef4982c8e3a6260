"""RC, risk-consistent (PRODEN's rule): candidates weighted by what the model thinks of them."""

import torch


def rc_start(mask_NC: torch.Tensor) -> torch.Tensor:
    """Weights before any training: uniform over the candidates, (N, C) [B: CoOpPLL]."""
    return mask_NC / mask_NC.sum(dim=1, keepdim=True)


def rc_weights(logits_NC: torch.Tensor, mask_NC: torch.Tensor) -> torch.Tensor:
    """Probabilities rescaled to sum to one over the candidates, (N, C), no gradient [B: CoOpPLL].

    Computed from masked logits, so that candidates of vanishing probability still sum to one [C].
    """
    return logits_NC.detach().masked_fill(~mask_NC, float("-inf")).softmax(dim=1)


def rc_loss(logits_NC: torch.Tensor, weights_NC: torch.Tensor) -> torch.Tensor:
    """-sum of weight x log p, (N,) [B: CoOpPLL]."""
    return -(weights_NC * logits_NC.log_softmax(dim=1)).sum(dim=1)
