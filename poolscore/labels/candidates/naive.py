"""NAIVE: every candidate is treated as a right answer."""

import torch


def naive_loss(logits_NC: torch.Tensor, mask_NC: torch.Tensor) -> torch.Tensor:
    """-(1/|S|) sum over candidates of log p, (N,) [B: CoOpPLL]."""
    surprise_NC = -logits_NC.log_softmax(dim=1)
    return (surprise_NC * mask_NC).sum(dim=1) / mask_NC.sum(dim=1)
