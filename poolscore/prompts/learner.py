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
        contexts_PMW: torch.Tensor,
    ) -> None:
        """Start at `contexts_PMW` and an adapter drawn from `generator`.

        `labels` is the number of images with an answer, or of pseudo-labels without any;
        `steps` is the number of steps to come.
        """
        self._text = text
        self._scale = scale
        self._config = config
        self._targets = targets
        self._objective = Objective(targets, scale, config, anchor_CD)
        self._done, self._steps = 0, steps
        self._text_pass: _TextPass | None = None
        self.contexts_PMW = contexts_PMW.clone().requires_grad_(True)
        self.adapter = _trainable_adapter(
            image_width, config.adapter_rank, generator, contexts_PMW.device
        )
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

        The loss reaches what `image_nD` was computed from, if that asks for gradients. The text
        tower runs every `text_every` steps: in between the text features stand still and their
        gradient gathers, and the sum then goes through the tower to the contexts.
        """
        loss = self._objective(self._forward(image_nD), batch, self._done, self._steps)
        self.optimizer.zero_grad()  # what has no gradient is left alone: the contexts, in between
        loss.backward()
        self._done += 1
        if self._done % self._config.text_every == 0 or self._done == self._steps:
            self._pass().backward()
            self._text_pass = None
        self.optimizer.step()
        self._count_weights()
        if self._targets.learns_from_steps:
            self._targets.update(self._forward(image_nD).positive_nC.detach(), batch.rows_n)
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
        """The text features as they stand and the images of a batch."""
        adapted_nD = adapt(image_nD, self.adapter)
        positive_CD, negative_CD = _both(self._pass().features_PCD)
        positive_nC = self._scale * adapted_nD @ positive_CD.T
        return Forward(positive_CD, negative_CD, image_nD, adapted_nD, positive_nC)

    def _pass(self) -> "_TextPass":
        if self._text_pass is None:
            self._text_pass = _TextPass(self._text(self.contexts_PMW))
        return self._text_pass

    def _count_weights(self) -> None:
        if self._config.weight_averaging == "beta":
            self._average.add(beta_weight(self._done, self._steps))
        elif self._config.weight_averaging == "gaussian" and self._done:
            self._average.add(gaussian_weight(self._done, self._steps))


class _TextPass:
    """One pass through the text tower, and the gradient that steps leave at its features."""

    def __init__(self, features_PCD: torch.Tensor) -> None:
        self._tower_PCD = features_PCD
        self.features_PCD = features_PCD.detach().requires_grad_(True)

    def backward(self) -> None:
        """Send the gradient so far through the tower."""
        self._tower_PCD.backward(self.features_PCD.grad)


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
