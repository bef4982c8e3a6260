"""CC, classifier-consistent: the candidates together should have all the probability."""

import torch

_EPSILON = 1e-7


def cc_loss(logits_NC: torch.Tensor, mask_NC: torch.Tensor) -> torch.Tensor:
    """-log(sum over candidates of p + 1e-7), (N,) [B: CoOpPLL]."""
    inside_N = (logits_NC.softmax(dim=1) * mask_NC).sum(dim=1)
    return -(inside_N + _EPSILON).log()
