"""Everything that does not depend on the image, folded into one matrix.

Shapes: n images of a tile, C classes, D embedding width, R adapter rank, K = C + 2R vectors of the
matrix (K = C without an adapter).

The residual adapter is linear before its normalisation, so it moves to the text side:
v' . t = v . (t + down (up t)) / ||v'||, and the length needs only 2R further columns:
||v'||^2 = 1 + 2 (v down) . (v up^T) + (v down) (up up^T) (v down)^T.
"""

from dataclasses import dataclass, replace

import torch

from poolscore.scoring.types import Adapter, PromptFeatures


@dataclass(frozen=True)
class Columns:
    """Text vectors, scaled so that their products with an image are logits but for ||v'||."""

    weight_KD: torch.Tensor
    """C classes, then 2R vectors for the length."""
    num_classes: int
    difference_CD: torch.Tensor | None
    """Positive less negative vector of each class; None without a negative prompt."""
    gram_RR: torch.Tensor | None

    def inverse_length(self, product_nK: torch.Tensor) -> torch.Tensor | None:
        """Return 1 / ||v'|| of each image, shape (n, 1), float32; None without an adapter."""
        if self.gram_RR is None:
            return None
        rank = self.gram_RR.shape[0]
        down_nR, up_nR = product_nK[:, -2 * rank : -rank], product_nK[:, -rank:]
        added_n1 = (down_nR * (2.0 * up_nR + down_nR @ self.gram_RR)).sum(dim=1, keepdim=True)
        return torch.rsqrt((1.0 + added_n1).clamp_(min=1e-12))


def fold(prompts: PromptFeatures, device: torch.device) -> Columns:
    """Build the float32 matrix of a prompt version on `device`.

    The mean text vector is taken off the class columns: a softmax does not see what all classes
    share, and smaller numbers lose less when they are rounded. The differences t+ - t- are taken
    before rounding for the same reason.
    """
    positive_CD = prompts.positive_CD.detach().double()
    weight_KD = _moved(positive_CD - positive_CD.mean(dim=0, keepdim=True), prompts)
    difference_CD, gram_RR = None, None
    if prompts.negative_CD is not None:
        apart_CD = positive_CD - prompts.negative_CD.detach().double()
        difference_CD = _moved(apart_CD, prompts).to(device, torch.float32)
    if prompts.adapter is not None:
        down_DR, up_RD = _matrices(prompts.adapter)
        weight_KD = torch.cat([weight_KD, down_DR.T, up_RD])
        gram_RR = (up_RD @ up_RD.T).to(device, torch.float32)
    return Columns(weight_KD.to(device, torch.float32), len(positive_CD), difference_CD, gram_RR)


def linear_classifier(prompts: PromptFeatures) -> torch.Tensor:
    """Return float32 rows w_k, shape (C, D), with argmax_k <v, w_k> the predicted class.

    Up to a positive factor a logit is <v, w_k>: the length of v' is the same for all classes.
    """
    return _moved(prompts.positive_CD.detach().double(), replace(prompts, scale=1.0)).float()


def _moved(text_CD: torch.Tensor, prompts: PromptFeatures) -> torch.Tensor:
    """Return scale * (t + down (up t)) of each row t, in float64."""
    if prompts.adapter is None:
        return prompts.scale * text_CD
    down_DR, up_RD = _matrices(prompts.adapter)
    return prompts.scale * (text_CD + (text_CD @ up_RD.T) @ down_DR.T)


def _matrices(adapter: Adapter) -> tuple[torch.Tensor, torch.Tensor]:
    return adapter.down_DR.detach().double(), adapter.up_RD.detach().double()
