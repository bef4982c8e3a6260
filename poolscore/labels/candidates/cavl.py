"""CAVL: the candidate with the largest class activation value counts as the label."""

import torch
from torch.nn.functional import cross_entropy


def cavl_loss(logits_NC: torch.Tensor, mask_NC: torch.Tensor) -> torch.Tensor:
    """Cross-entropy with argmax over candidates of |1 - z| z, (N,), z the logits [B: CoOpPLL].

    For logits above 1 the value grows with the logit; below, a logit nearer to 1/2 may win over a
    larger one. The code has it so, on logits that already carry the model's scale.
    """
    logits = logits_NC.detach()
    activation_NC = (1.0 - logits).abs() * logits
    chosen_N = activation_NC.masked_fill(~mask_NC, float("-inf")).argmax(dim=1)
    return cross_entropy(logits_NC, chosen_N, reduction="none")
