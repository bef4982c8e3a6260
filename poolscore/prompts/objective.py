"""What a training step minimises, from the text features of one pass and the images of one batch.

Shapes: n images of a step, C classes, D embedding width.
"""

from dataclasses import dataclass

import torch

from poolscore.prompts.batches import Batch
from poolscore.prompts.calibration import annealed_weight, calibration_loss
from poolscore.prompts.config import DualPromptConfig
from poolscore.prompts.contexts import anchor_distance
from poolscore.prompts.losses import clean_logits
from poolscore.prompts.regularisers import feature_consistency, logit_consistency, margin_logits
from poolscore.prompts.targets import Targets


@dataclass(frozen=True)
class Forward:
    """What the model computed for one batch."""

    positive_CD: torch.Tensor
    negative_CD: torch.Tensor | None
    """None where there is no dual loss."""
    image_nD: torch.Tensor
    """Cached features."""
    adapted_nD: torch.Tensor
    """What the adapter makes of them."""
    positive_nC: torch.Tensor
    """Logits of the positive prompt."""


class Objective:
    """Eq. 6 of arXiv 2602.04340 [A], the pull to the anchor [C] and what else is switched on.

    Terms that compare with the anchor are left out where there is none.
    """

    def __init__(
        self,
        targets: Targets,
        scale: float,
        config: DualPromptConfig,
        anchor_CD: torch.Tensor | None,
    ) -> None:
        """`anchor_CD` are the encoder's own text features."""
        self._targets = targets
        self._scale = scale
        self._config = config
        self._anchor_CD = anchor_CD

    def __call__(self, seen: Forward, batch: Batch, step: int, steps: int) -> torch.Tensor:
        """Loss of `step` (from 0) of `steps`."""
        losses_n = self._classification(seen, batch)
        if seen.negative_CD is not None:
            losses_n = losses_n + self._dual(seen, seen.negative_CD, batch)
        loss = (batch.weights_n.to(losses_n.device) * losses_n).sum()
        if self._config.calibration_weight:
            shares_nC = self._targets.shares(seen.positive_nC, batch.rows_n)
            weight = annealed_weight(self._config.calibration_weight, step, steps)
            loss = loss + weight * calibration_loss(seen.positive_nC, shares_nC.argmax(dim=1))
        return loss + self._nearness(seen)

    def _classification(self, seen: Forward, batch: Batch) -> torch.Tensor:
        logits_nC = seen.positive_nC
        if self._config.margin:
            text_CD = seen.positive_CD.detach() if self._anchor_CD is None else self._anchor_CD
            shares_nC = self._targets.shares(logits_nC, batch.rows_n)
            logits_nC = margin_logits(
                logits_nC, shares_nC, text_CD, self._scale, self._config.margin
            )
        return self._targets.classification(logits_nC, batch.rows_n)

    def _dual(self, seen: Forward, negative_CD: torch.Tensor, batch: Batch) -> torch.Tensor:
        clean_nC = clean_logits(
            seen.adapted_nD,
            seen.positive_nC,
            negative_CD,
            self._scale,
            self._config.gradient_routing,
        )
        dual_n = self._targets.dual(clean_nC, seen.positive_nC, batch.rows_n)
        return self._config.dual_weight * dual_n

    def _nearness(self, seen: Forward) -> torch.Tensor:
        config, anchor_CD = self._config, self._anchor_CD
        loss = seen.positive_nC.new_zeros(())
        if config.image_consistency:
            drift = feature_consistency(seen.adapted_nD, seen.image_nD)
            loss = loss + config.image_consistency * drift
        if anchor_CD is None:
            return loss
        if config.anchor_weight:
            loss = loss + config.anchor_weight * anchor_distance(seen.positive_CD, anchor_CD)
        if config.text_consistency:
            drift = feature_consistency(seen.positive_CD, anchor_CD)
            loss = loss + config.text_consistency * drift
        if config.logit_consistency:
            frozen_nC = self._scale * seen.image_nD @ anchor_CD.T
            loss = loss + config.logit_consistency * logit_consistency(seen.positive_nC, frozen_nC)
        return loss
