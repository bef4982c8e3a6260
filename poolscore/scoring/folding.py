"""Everything that does not depend on the image, folded into one matrix.

Shapes: n images of a tile, C classes, D embedding width, R adapter rank, K columns of the matrix.

The residual adapter is linear before its normalisation, so it moves to the text side:
v' . t = v . (t + down (up t)) / ||v'||, and the length needs only 2R further columns:
||v'||^2 = 1 + 2 (v down) . (v up^T) + (v down) (up up^T) (v down)^T.
"""

from dataclasses import dataclass

import torch

from poolscore.scoring.types import Adapter, PromptFeatures


@dataclass(frozen=True)
class Columns:
    """Columns of the product: C classes, C differences if there is a negative prompt, 2R.

    Classes and differences are scaled, so that their products are logits but for ||v'||.
    """

    weight_KD: torch.Tensor
    num_classes: int
    has_negative: bool
    gram_RR: torch.Tensor | None

    def inverse_length(self, product_nK: torch.Tensor) -> torch.Tensor | None:
        """Return 1 / ||v'|| of each image, shape (n, 1), float32; None without an adapter."""
        if self.gram_RR is None:
            return None
        rank = self.gram_RR.shape[0]
        down_nR = product_nK[:, -2 * rank : -rank].float()
        up_nR = product_nK[:, -rank:].float()
        added_n1 = (down_nR * (2.0 * up_nR + down_nR @ self.gram_RR)).sum(dim=1, keepdim=True)
        return torch.rsqrt((1.0 + added_n1).clamp_(min=1e-12))


def fold(prompts: PromptFeatures, device: torch.device, dtype: torch.dtype) -> Columns:
    """Build the matrix of a prompt version on `device` in `dtype`.

    The mean text vector is taken off the class columns: a softmax does not see what all classes
    share, and smaller numbers lose less when they are rounded. The differences t+ - t- are taken
    before rounding for the same reason.
    """
    positive_CD = prompts.positive_CD.detach().double()
    parts = [positive_CD - positive_CD.mean(dim=0, keepdim=True)]
    if prompts.negative_CD is not None:
        parts.append(positive_CD - prompts.negative_CD.detach().double())
    weight = prompts.scale * torch.cat(parts)
    gram_RR = None
    if prompts.adapter is not None:
        weight, gram_RR = _fold_adapter(weight, prompts.adapter)
    return Columns(
        weight_KD=weight.to(device, dtype),
        num_classes=len(positive_CD),
        has_negative=prompts.negative_CD is not None,
        gram_RR=None if gram_RR is None else gram_RR.to(device, torch.float32),
    )


def linear_classifier(prompts: PromptFeatures) -> torch.Tensor:
    """Return float32 rows w_k, shape (C, D), with argmax_k <v, w_k> the predicted class.

    Up to a positive factor a logit is <v, w_k>: the length of v' is the same for all classes.
    """
    text_CD = prompts.positive_CD.detach().double()
    return (_move(text_CD, prompts.adapter) if prompts.adapter else text_CD).float()


def _fold_adapter(text: torch.Tensor, adapter: Adapter) -> tuple[torch.Tensor, torch.Tensor]:
    down_DR, up_RD = adapter.down_DR.detach().double(), adapter.up_RD.detach().double()
    return torch.cat([_move(text, adapter), down_DR.T, up_RD]), up_RD @ up_RD.T


def _move(text: torch.Tensor, adapter: Adapter) -> torch.Tensor:
    """Return t + down (up t) of each row t, in float64."""
    down_DR, up_RD = adapter.down_DR.detach().double(), adapter.up_RD.detach().double()
    return text + (text @ up_RD.T) @ down_DR.T
