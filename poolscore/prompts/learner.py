"""Parameters of one training and one step of it.

Shapes: N training images, n images of a step, P prompts (a positive one and, for the dual loss, a
negative one), M context vectors, W token width, C classes, D embedding width, R adapter rank.
"""

from collections.abc import Sequence

import torch

from poolscore.encoder.prompt_text import PromptTextEncoder
from poolscore.prompts.adapter import adapt, initial_adapter
from poolscore.prompts.averaging import WeightAverage, beta_weight, gaussian_weight
from poolscore.prompts.batches import Batch
from poolscore.prompts.config import DualPromptConfig
from poolscore.prompts.contexts import pull_to_anchor, random_contexts
from poolscore.prompts.objective import Forward, Objective
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
        steps: int,
        targets: Targets,
        anchor_CD: torch.Tensor | None,
        device: torch.device,
    ) -> None:
        """Draw contexts and adapter from `generator`; pull the contexts to the anchor if any.

        `labels` is the number of images with an answer, or of pseudo-labels without any;
        `steps` is the number of steps to come.
        """
        self._text = text
        self._scale = scale
        self._config = config
        self._targets = targets
        self._objective = Objective(targets, scale, config, anchor_CD)
        self._done, self._steps = 0, steps
        prompts = 2 if config.dual_weight else 1
        contexts = random_contexts(
            text, prompts, config.context_std, generator, config.class_specific
        ).to(device)
        if anchor_CD is not None:
            contexts = pull_to_anchor(contexts, text, anchor_CD, config)
        self.contexts_PMW = contexts.requires_grad_(True)
        self.adapter = _trainable_adapter(image_width, config.adapter_rank, generator, device)
        adapter = [self.adapter.down_DR, self.adapter.up_RD] if self.adapter else []
        self.optimizer = make_optimizer(self.contexts_PMW, adapter, labels, config)
        self._learned = [self.contexts_PMW, *adapter]
        self._average = WeightAverage(self._learned)
        self._count_weights()

    def learn_also(
        self, tensors: Sequence[torch.Tensor], learning_rate: float, weight_decay: float
    ) -> None:
        """Learn what the image features of `step` come from too; before the first step."""
        self.optimizer.add_param_group(
            {"params": list(tensors), "lr": learning_rate, "weight_decay": weight_decay}
        )
        self._learned += tensors
        self._average = WeightAverage(self._learned)
        self._count_weights()

    def step(self, image_nD: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Take one step on the images of `batch`; return the loss before it, detached.

        The loss reaches what `image_nD` was computed from, if that asks for gradients.
        """
        loss = self._objective(self._forward(image_nD), batch, self._done, self._steps)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self._done += 1
        self._count_weights()
        if self._targets.learns_from_steps:
            with torch.no_grad():
                self._targets.update(self._forward(image_nD).positive_nC, batch.rows_n)
        return loss.detach()

    def contexts(self) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return the positive and the negative context as they are now, on the CPU."""
        return _both(self.contexts_PMW.detach().cpu())

    def finish(self) -> None:
        """Put averaged weights in the place of the last ones, if the configuration says so."""
        if self._config.weight_averaging != "none":
            self._average.apply()

    def features(self) -> PromptFeatures:
        """Return the text features and adapter as they are now, on the CPU."""
        with torch.no_grad():
            features_PCD = self._text(self.contexts_PMW).float().cpu()
        adapter = self.adapter
        if adapter is not None:
            adapter = Adapter(adapter.down_DR.detach().cpu(), adapter.up_RD.detach().cpu())
        positive_CD, negative_CD = _both(features_PCD)
        return PromptFeatures(positive_CD, negative_CD, self._scale, adapter)

    def _forward(self, image_nD: torch.Tensor) -> Forward:
        """One text pass and the images of a batch."""
        features_PCD = self._text(self.contexts_PMW)
        adapted_nD = adapt(image_nD, self.adapter)
        positive_CD, negative_CD = _both(features_PCD)
        positive_nC = self._scale * adapted_nD @ positive_CD.T
        return Forward(positive_CD, negative_CD, image_nD, adapted_nD, positive_nC)

    def _count_weights(self) -> None:
        if self._config.weight_averaging == "beta":
            self._average.add(beta_weight(self._done, self._steps))
        elif self._config.weight_averaging == "gaussian" and self._done:
            self._average.add(gaussian_weight(self._done, self._steps))


def _both(of_prompts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
    return of_prompts[0], of_prompts[1] if len(of_prompts) == 2 else None


def _trainable_adapter(
    width: int, rank: int, generator: torch.Generator, device: torch.device
) -> Adapter | None:
    if rank == 0:
        return None
    start = initial_adapter(width, rank, generator)
    return Adapter(
        start.down_DR.to(device).requires_grad_(True), start.up_RD.to(device).requires_grad_(True)
    )
