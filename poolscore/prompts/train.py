"""Learning positive and negative prompts on cached embeddings.

Shapes: N training images, C classes, D embedding width.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt
import torch

from poolscore.encoder.prompt_text import PromptTextEncoder
from poolscore.errors import InvalidInputError
from poolscore.prompts.batches import draw_batches, step_count
from poolscore.prompts.candidate_targets import CandidateTargets, handcrafted_posterior
from poolscore.prompts.config import DualPromptConfig
from poolscore.prompts.contexts import initial_contexts
from poolscore.prompts.learner import Learner
from poolscore.prompts.optimizers import cosine_schedule
from poolscore.prompts.targets import PlainTargets, Targets
from poolscore.prompts.trained import TrainedPrompts

OnStep = Callable[[int, int, float], None]


@dataclass(frozen=True)
class TrainingSet:
    """Images to learn from; row i of every field is one image."""

    features_ND: npt.NDArray[np.floating]
    """L2-normalised image features, float16 or float32."""
    targets_N: npt.NDArray[np.integer]
    """Class index: a person's answer, or the prediction for a pseudo-label."""
    pseudo_N: npt.NDArray[np.bool_]
    """True where the target is a pseudo-label."""
    candidates_NC: npt.NDArray[np.bool_] | None = None
    """Classes that the image may show, one row of one class for a plain label; then `targets_N` is
    not looked at. None: every label is plain."""

    def with_pseudo_labels(
        self, features_KD: npt.NDArray[np.floating], targets_K: npt.NDArray[np.integer]
    ) -> "TrainingSet":
        """These images and K mined ones behind them."""
        candidates_NC = self.candidates_NC
        if candidates_NC is not None:
            mined_KC = np.eye(candidates_NC.shape[1], dtype=np.bool_)[targets_K]
            candidates_NC = np.concatenate([candidates_NC, mined_KC])
        return TrainingSet(
            np.concatenate([self.features_ND, features_KD]),
            np.concatenate([self.targets_N, targets_K]),
            np.concatenate([self.pseudo_N, np.ones(len(targets_K), np.bool_)]),
            candidates_NC,
        )


def train_dual_prompts(
    text: PromptTextEncoder,
    scale: float,
    data: TrainingSet,
    config: DualPromptConfig,
    seed: int,
    on_step: OnStep | None = None,
    *,
    anchor_CD: torch.Tensor | None = None,
    contexts_PMW: torch.Tensor | None = None,
    device: torch.device | str = "cpu",
) -> TrainedPrompts:
    """Learn prompts from scratch, as every round does [A]; same arguments, same prompts.

    `anchor_CD` are the encoder's own text features of the classes (the positive features of the
    zero-shot version): with them training starts from what zero-shot knows and stays near it.
    Candidate sets choose the losses of arXiv 2407.07638; their alignment needs the anchor.
    `contexts_PMW` are the `initial_contexts` of the same arguments, if the caller kept them.
    `device` is where `text` computes. `on_step` receives (steps done, steps in all, loss); what it
    raises ends the training. Raises InvalidInputError NO_TRAINING_DATA, TARGET_OUT_OF_RANGE,
    CANDIDATES_SHAPE or CONTEXT_LENGTH.
    """
    _check(text, data, config)
    place = torch.device(device)
    image_ND = torch.from_numpy(data.features_ND.astype(np.float32)).to(place)
    anchor_CD = None if anchor_CD is None else anchor_CD.to(place, torch.float32)
    generator = torch.Generator().manual_seed(seed)
    if contexts_PMW is None:
        contexts_PMW = initial_contexts(text, config, seed, anchor_CD, place)
    labels = int((~data.pseudo_N).sum()) or len(data.pseudo_N)
    targets = _targets(data, image_ND, scale, config, generator, anchor_CD)
    steps = step_count(data.pseudo_N, config)
    learner = Learner(
        text,
        scale,
        config,
        generator,
        image_ND.shape[1],
        labels,
        steps,
        targets,
        anchor_CD,
        contexts_PMW,
    )
    schedule = cosine_schedule(learner.optimizer, steps)
    loss = torch.tensor(float("nan"))
    batches = draw_batches(data.pseudo_N, config, generator)
    for done, batch in enumerate(islice(batches, steps), start=1):
        loss = learner.step(image_ND[batch.rows_n], batch)
        schedule.step()
        if on_step is not None:
            on_step(done, steps, float(loss))
    learner.finish()
    positive_context_MW, negative_context_MW = learner.contexts()
    return TrainedPrompts(
        features=learner.features(),
        positive_context_MW=positive_context_MW,
        negative_context_MW=negative_context_MW,
        config=config,
        seed=seed,
        metrics={"loss": float(loss), "steps": float(steps)},
    )


def _targets(
    data: TrainingSet,
    image_ND: torch.Tensor,
    scale: float,
    config: DualPromptConfig,
    generator: torch.Generator,
    anchor_CD: torch.Tensor | None,
) -> Targets:
    if data.candidates_NC is None:
        target_N = torch.from_numpy(data.targets_N.astype(np.int64)).to(image_ND.device)
        return PlainTargets(target_N, generator)
    mask_NC = torch.from_numpy(data.candidates_NC).to(image_ND.device)
    handcrafted_NC = None
    if anchor_CD is not None:
        handcrafted_NC = handcrafted_posterior(image_ND, anchor_CD, scale)
    return CandidateTargets(mask_NC, handcrafted_NC, config, generator)


def _check(text: PromptTextEncoder, data: TrainingSet, config: DualPromptConfig) -> None:
    if len(data.targets_N) == 0:
        raise InvalidInputError(
            "There is nothing to train on: submit labels first.", reason="NO_TRAINING_DATA"
        )
    if data.targets_N.min() < 0 or data.targets_N.max() >= text.num_classes:
        raise InvalidInputError(
            f"A training target lies outside of the {text.num_classes} classes.",
            reason="TARGET_OUT_OF_RANGE",
        )
    mask = data.candidates_NC
    shape = (len(data.targets_N), text.num_classes)
    if mask is not None and (mask.shape != shape or not mask.any(axis=1).all()):
        raise InvalidInputError(
            f"Candidate sets must fill {shape[0]} rows of {shape[1]} classes, none of them empty.",
            reason="CANDIDATES_SHAPE",
        )
    if text.num_contexts != config.context_length:
        raise InvalidInputError(
            f"The text encoder holds {text.num_contexts} context vectors, the configuration asks "
            f"for {config.context_length}.",
            reason="CONTEXT_LENGTH",
        )
