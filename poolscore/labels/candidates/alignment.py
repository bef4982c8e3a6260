"""Prompt alignment: what zero-shot CLIP thinks of the candidates guides the learned prompt.

The paper mixes the posteriors of the handcrafted and the learned prompt under a schedule that it
does not give [A]; its public code has the handcrafted one alone [B]. Here the learned one has a
constant share `mix`. Shapes: N images, C classes.
"""

import torch

_TINY = 1e-12


def mixed_posterior(
    handcrafted_NC: torch.Tensor, learned_NC: torch.Tensor, mix: float
) -> torch.Tensor:
    """(1 - mix) handcrafted + mix learned [A: the idea; C: a constant mix]."""
    return (1.0 - mix) * handcrafted_NC + mix * learned_NC


def alignment_target(posterior_NC: torch.Tensor, mask_NC: torch.Tensor) -> torch.Tensor:
    """The posterior rescaled to sum to one over the candidates, no gradient [B]."""
    inside_NC = posterior_NC.detach() * mask_NC
    return inside_NC / inside_NC.sum(dim=1, keepdim=True).clamp(min=_TINY)


def alignment_loss(logits_NC: torch.Tensor, target_NC: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of the learned posterior with the target, one value an image [B]."""
    return -(target_NC * logits_NC.log_softmax(dim=1)).sum(dim=1)


def alignment_ratio(candidate_loss: torch.Tensor, alignment: torch.Tensor) -> torch.Tensor:
    """What the alignment loss is multiplied by: mean candidate loss over it, no gradient [B].

    Both parts then have the same value in every step, and there is no weight to choose.
    """
    return (candidate_loss / alignment.clamp(min=_TINY)).detach()
