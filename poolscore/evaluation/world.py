"""What simulations of one set share: the text tower, and what only depends on a seed.

Shapes: N images of the pool, C classes, D embedding width.
"""

from dataclasses import dataclass

import torch

from poolscore.acquisition.base import Float32
from poolscore.correctness.evidence import Float64, evidence, neighbour_support
from poolscore.encoder.encoder import Encoder
from poolscore.encoder.prompt_text import PromptTextEncoder
from poolscore.evaluation.labeled_set import LabeledSet
from poolscore.prompts.config import DualPromptConfig
from poolscore.prompts.contexts import initial_contexts
from poolscore.prompts.train import TrainingSet, train_dual_prompts
from poolscore.prompts.trained import zero_shot_prompts
from poolscore.scoring.kernel import score
from poolscore.scoring.probabilities import class_probabilities
from poolscore.scoring.types import PromptFeatures, Scores


@dataclass(frozen=True)
class Predictions:
    """What prompts say of the whole pool; row i is image i."""

    prompts: PromptFeatures
    scores: Scores
    probabilities_NC: Float32
    evidence_N: Float64
    """That the prediction is right."""


class World:
    """A labeled set and the encoder whose prompts are trained on it."""

    def __init__(self, data: LabeledSet, encoder: Encoder) -> None:
        """Bind the text tower to the classes when it is first needed."""
        self.data = data
        self._encoder = encoder
        self._texts: dict[tuple[int, bool], PromptTextEncoder] = {}
        self._contexts: dict[tuple[float, ...], torch.Tensor] = {}

    @property
    def scale(self) -> float:
        """exp(logit_scale) of the encoder."""
        return self._encoder.scale

    def text(self, context_length: int, class_specific: bool = False) -> PromptTextEncoder:
        """The text tower with the classes of the set."""
        key = (context_length, class_specific)
        if key not in self._texts:
            self._texts[key] = self._encoder.prompt_encoder(self.data.classes, *key)
        return self._texts[key]

    def train(self, images: TrainingSet, config: DualPromptConfig, seed: int) -> PromptFeatures:
        """Train from scratch; where a training starts is computed once a seed."""
        text, device = self.text(config.context_length, config.class_specific), self._encoder.device
        trained = train_dual_prompts(
            text,
            self.scale,
            images,
            config,
            seed,
            anchor_CD=self.data.zero_shot_CD,
            contexts_PMW=self._start(text, config, seed),
            device=device,
        )
        return trained.features

    def _start(self, text: PromptTextEncoder, config: DualPromptConfig, seed: int) -> torch.Tensor:
        key = (
            seed,
            config.context_length,
            config.class_specific,
            config.context_std,
            config.dual_weight > 0,
            config.warm_start_steps,
            config.warm_start_learning_rate,
        )
        if key not in self._contexts:
            device = self._encoder.device
            anchor_CD = self.data.zero_shot_CD.to(device)
            self._contexts[key] = initial_contexts(text, config, seed, anchor_CD, device)
        return self._contexts[key]

    def zero_shot(self) -> PromptFeatures:
        """Prompt version 0."""
        return zero_shot_prompts(self.data.zero_shot_CD, self.scale).features

    def predict(self, prompts: PromptFeatures) -> Predictions:
        """Let the prompts predict the whole pool."""
        scores = score(self.data.pool_ND, prompts)
        probabilities_NC = class_probabilities(self.data.pool_ND, prompts)
        rows_NK = self.data.neighbours.rows_NK
        support_N = neighbour_support(probabilities_NC, scores.predicted, rows_NK)
        return Predictions(prompts, scores, probabilities_NC, evidence(scores, support_N))
