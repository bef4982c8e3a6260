"""C-PEAL: sure when right, unsure when wrong (arXiv 2507.21521, code IntelLabs/C_PEAL).

Shapes: N images of a batch, C classes.
"""

import torch

_EPSILON = 1e-6


def calibration_loss(logits_NC: torch.Tensor, target_N: torch.Tensor) -> torch.Tensor:
    """w_c mean over right predictions of -log(1 - tanh H) + w_w mean over wrong of -log tanh H.

    H is the entropy of the prediction; the share of wrong predictions is w_c and that of right
    ones w_w; 1e-6 is added inside of every logarithm [B]. The code's upper limit of 5 for both
    weights can never be reached by shares and is left out. A part without images counts 0 [C].
    """
    p_NC = logits_NC.softmax(dim=1)
    entropy_N = -(p_NC * (p_NC + _EPSILON).log()).sum(dim=1)
    # Of a single certain class the entropy is -log(1 + 1e-6), below zero.
    unsure_N = entropy_N.clamp(min=0).tanh()
    right_N = (logits_NC.argmax(dim=1) == target_N).to(p_NC.dtype)
    wrong_N = 1 - right_N
    right, wrong = right_N.sum(), wrong_N.sum()
    of_right = -(right_N * (1 - unsure_N + _EPSILON).log()).sum() / right.clamp(min=1)
    of_wrong = -(wrong_N * (unsure_N + _EPSILON).log()).sum() / wrong.clamp(min=1)
    return (wrong * of_right + right * of_wrong) / len(target_N)


def annealed_weight(full: float, step: int, steps: int) -> float:
    """Weight of the loss at `step` of `steps`, counted from 0 [B].

    Over the first tenth it climbs from 0 to full/100, then to `full`, both linearly. The code
    counts epochs; few labels make short epochs, so steps are counted here [C].
    """
    warm_up = int(0.1 * steps)
    if step < warm_up:
        return full / 100 * step / warm_up
    return full / 100 + (full - full / 100) * (step - warm_up) / (steps - warm_up)
