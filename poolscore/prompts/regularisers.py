"""What keeps learned prompts near the frozen model: PromptSRC's terms and CLIPood's margin.

Both were made for prompts or weights inside the image tower. Here the image tower stays frozen and
its features are cached, so every image-side term acts on the output of the adapter, and is zero
without one [C]. Shapes: n images of a step, C classes, D embedding width.
"""

import torch
from torch.nn.functional import kl_div, l1_loss


def feature_consistency(features: torch.Tensor, frozen: torch.Tensor) -> torch.Tensor:
    """Mean absolute difference of learned and frozen features (PromptSRC's text and image term).

    arXiv 2307.06948, code muzairkhattak/PromptSRC [B]: weight 25 for text, 10 for images. The
    frozen text features there are means over many templates, here those of the pool's one [C].
    """
    return l1_loss(features, frozen)


def logit_consistency(logits_nC: torch.Tensor, frozen_nC: torch.Tensor) -> torch.Tensor:
    """KL(p_frozen || p) summed over the batch, over n x C (PromptSRC, weight 1) [B]."""
    log_p_nC, log_frozen_nC = logits_nC.log_softmax(dim=1), frozen_nC.log_softmax(dim=1)
    total = kl_div(log_p_nC, log_frozen_nC, reduction="sum", log_target=True)
    return total / logits_nC.numel()


def margin_logits(
    logits_nC: torch.Tensor,
    share_nC: torch.Tensor,
    text_CD: torch.Tensor,
    scale: float,
    margin: float,
) -> torch.Tensor:
    """z_k = s (<v, t_k> - margin <t_y, t_k>): CLIPood's margin by meaning (arXiv 2302.00864) [B].

    Classes unlike the label y must be beaten by more; margin 0.3 in the code. `share_nC` says how
    much each class is believed to be y: a one-hot row gives the formula, candidates its mean [C].
    Text features are frozen there; give frozen ones here too.
    """
    return logits_nC - scale * margin * share_nC @ (text_CD @ text_CD.T)
