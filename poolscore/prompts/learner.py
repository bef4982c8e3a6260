"""Parameters of one training and one step of it.

Shapes: N training images, n images of a step, P = 2 prompts (positive, negative), M context
vectors, W token width, C classes, D embedding width, R adapter rank.
"""

import torch

from poolscore.encoder.prompt_text import PromptTextEncoder
from poolscore.prompts.adapter import adapt, initial_adapter
from poolscore.prompts.batches import Batch
from poolscore.prompts.config import DualPromptConfig
from poolscore.prompts.contexts import anchor_distance, pull_to_anchor, random_contexts
from poolscore.prompts.losses import clean_logits
from poolscore.prompts.optimizers import make_optimizer
from poolscore.prompts.targets import Targets
from poolscore.scoring.types import Adapter, PromptFeatures


class Learner:
    """Both contexts and the adapter on their way from random to trained."""

    def __init__(
        self,
        text: PromptTextEncoder,
        scale: float,
        config: DualPromptConfig,
        generator: torch.Generator,
        image_width: int,
        labels: int,
        targets: Targets,
        anchor_CD: torch.Tensor | None,
        device: torch.device,
    ) -> None:
        """Draw contexts and adapter from `generator`; pull the contexts to the anchor if any.

        `labels` is the number of images with an answer, or of pseudo-labels without any.
        """
        self._text = text
        self._scale = scale
        self._config = config
        self._targets = targets
        self._anchor_CD = anchor_CD
        contexts = random_contexts(text, 2, config.context_std, generator).to(device)
        if self._anchor_CD is not None:
            contexts = pull_to_anchor(contexts, text, self._anchor_CD, config)
        self.contexts_PMW = contexts.requires_grad_(True)
        self.adapter = _trainable_adapter(image_width, config.adapter_rank, generator, device)
        self.optimizer = make_optimizer(
            self.contexts_PMW,
            [self.adapter.down_DR, self.adapter.up_RD] if self.adapter else [],
            labels,
            config,
        )

    def step(self, image_nD: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Take one step on the images of `batch`; return the loss before it, detached."""
        loss = self._loss(image_nD, batch)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        if self._targets.learns_from_steps:
            with torch.no_grad():
                positive_CD = self._text(self.contexts_PMW)[0]
                positive_nC = self._scale * adapt(image_nD, self.adapter) @ positive_CD.T
            self._targets.update(positive_nC, batch.rows_n)
        return loss.detach()

    def features(self) -> PromptFeatures:
        """Return the text features and adapter as they are now, on the CPU."""
        with torch.no_grad():
            features_PCD = self._text(self.contexts_PMW).float().cpu()
        adapter = self.adapter
        if adapter is not None:
            adapter = Adapter(adapter.down_DR.detach().cpu(), adapter.up_RD.detach().cpu())
        return PromptFeatures(features_PCD[0], features_PCD[1], self._scale, adapter)

    def _loss(self, image_nD: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Eq. 6 of arXiv 2602.04340 [A] and the pull to the anchor [C]; one text pass."""
        features_PCD = self._text(self.contexts_PMW)
        positive_CD, negative_CD = features_PCD[0], features_PCD[1]
        adapted_nD = adapt(image_nD, self.adapter)
        positive_nC = self._scale * adapted_nD @ positive_CD.T
        clean_nC = clean_logits(
            adapted_nD, positive_nC, negative_CD, self._scale, self._config.gradient_routing
        )
        losses_n = self._targets.classification(positive_nC, batch.rows_n)
        dual_n = self._targets.dual(clean_nC, positive_nC, batch.rows_n)
        losses_n = losses_n + self._config.dual_weight * dual_n
        loss = (batch.weights_n.to(losses_n.device) * losses_n).sum()
        if self._anchor_CD is not None and self._config.anchor_weight:
            loss = loss + self._config.anchor_weight * anchor_distance(positive_CD, self._anchor_CD)
        return loss


def _trainable_adapter(
    width: int, rank: int, generator: torch.Generator, device: torch.device
) -> Adapter | None:
    if rank == 0:
        return None
    start = initial_adapter(width, rank, generator)
    return Adapter(
        start.down_DR.to(device).requires_grad_(True), start.up_RD.to(device).requires_grad_(True)
    )
