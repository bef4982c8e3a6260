"""Learning a tuning of the image tower and dual prompts together, from pixels.

L = L1 + lambda L2 of arXiv 2602.04340, Eq. 6 [A], by the same learner as on cached features. L1
reaches positive context and image tower; L2 the negative context and, with the routing
"activeclip", positive context and image tower as well [A by its wording], with "deft" not [B].
Images are not augmented [C]. Shapes: N images, n of a step, S image size.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from poolscore.encoder.encoder import Encoder
from poolscore.encoder.visual_tuning.attach import attached, initial_tensors
from poolscore.encoder.visual_tuning.config import VisualTuningConfig
from poolscore.encoder.visual_tuning.tower import check_tower
from poolscore.encoder.visual_tuning.tuning import BaseEncoder, VisualTuning
from poolscore.errors import InvalidInputError
from poolscore.prompts.batches import draw_batches, step_count
from poolscore.prompts.config import DualPromptConfig
from poolscore.prompts.contexts import initial_contexts
from poolscore.prompts.learner import Learner
from poolscore.prompts.optimizers import cosine_schedule
from poolscore.prompts.targets import PlainTargets
from poolscore.prompts.train import OnStep
from poolscore.prompts.trained import TrainedPrompts

JOINT_PROMPTS = DualPromptConfig(
    adapter_rank=0, labelled_batch=16, text_every=1, learning_rate=0.01
)
"""Prompts beside a tuned tower: no adapter, which stands in for the tuning elsewhere [A], 16 images
a step [A], each of which costs a pass through the tower and back, and beside those passes the one
through the text tower is no matter."""


@dataclass(frozen=True)
class LabeledPixels:
    """Images to learn from; row i of both fields is one image."""

    pixels_N3SS: npt.NDArray[np.uint8]
    """As `Encoder.preprocess` makes them."""
    targets_N: npt.NDArray[np.integer]
    """Class index."""


@dataclass(frozen=True)
class JointResult:
    """What was learned for the image tower, and the prompts that were learned beside it."""

    tuning: VisualTuning
    prompts: TrainedPrompts


def tune_visual(
    encoder: Encoder,
    classes: Sequence[str],
    template: str,
    data: LabeledPixels,
    config: VisualTuningConfig,
    prompts: DualPromptConfig = JOINT_PROMPTS,
    *,
    seed: int = 0,
    on_step: OnStep | None = None,
) -> JointResult:
    """Learn both from scratch on the encoder's device; on a CPU the same seed gives the same.

    `encoder` computes in fp32, has no tuning and is left as it was. Prompts start at and stay near
    the text features of `template`. `on_step` receives (steps done, steps in all, loss); what it
    raises ends the training. Raises InvalidInputError UNSUPPORTED_IMAGE_TOWER, TUNING_BASE,
    NOTHING_FROZEN, NO_TRAINING_DATA, TARGET_OUT_OF_RANGE, CONTEXT_LENGTH or TUNING_DIVERGED.
    """
    check_tower(encoder.image_tower, config, encoder.spec.model)
    _check(encoder, classes, data, prompts)
    generator = torch.Generator().manual_seed(seed)
    tensors = initial_tensors(encoder.image_tower, config, generator)
    pseudo_N = np.zeros(len(data.targets_N), np.bool_)
    steps = step_count(pseudo_N, prompts)
    learner = _learner(encoder, classes, template, data, prompts, generator, seed, steps)
    gpus = [encoder.device] if encoder.device.type == "cuda" else []
    with (
        torch.random.fork_rng(devices=gpus),
        attached(encoder.image_tower, config, tensors, training=True) as parameters,
    ):
        torch.manual_seed(seed)  # of the dropout
        learner.learn_also([*parameters.values()], config.learning_rate, config.weight_decay)
        schedule = cosine_schedule(learner.optimizer, steps)
        pixels = torch.from_numpy(data.pixels_N3SS)
        loss = math.nan
        batches = draw_batches(pseudo_N, prompts, generator)
        for done, batch in enumerate(islice(batches, steps), start=1):
            image_nD = encoder.image_features(pixels[batch.rows_n])
            loss = float(learner.step(image_nD, batch))
            schedule.step()
            _check_finite(loss, done, steps, config)
            if on_step is not None:
                on_step(done, steps, loss)
        learner.finish()
        tensors = _on_cpu(parameters)
    metrics = {"loss": loss, "steps": float(steps)}
    base = BaseEncoder(encoder.spec.model, encoder.spec.pretrained, encoder.digest)
    positive_MW, negative_MW = learner.contexts()
    return JointResult(
        VisualTuning(config, tensors, base, tuple(classes), seed, metrics),
        TrainedPrompts(learner.features(), positive_MW, negative_MW, prompts, seed, metrics),
    )


def _learner(
    encoder: Encoder,
    classes: Sequence[str],
    template: str,
    data: LabeledPixels,
    prompts: DualPromptConfig,
    generator: torch.Generator,
    seed: int,
    steps: int,
) -> Learner:
    device = encoder.device
    target_N = torch.from_numpy(data.targets_N.astype(np.int64)).to(device)
    text = encoder.prompt_encoder(classes, prompts.context_length, prompts.class_specific)
    anchor_CD = encoder.zero_shot(classes, template).to(device)
    return Learner(
        text,
        encoder.scale,
        prompts,
        generator,
        encoder.dim,
        len(target_N),
        steps,
        PlainTargets(target_N, generator),
        anchor_CD,
        initial_contexts(text, prompts, seed, anchor_CD, device),
    )


def _on_cpu(parameters: Mapping[str, nn.Parameter]) -> dict[str, torch.Tensor]:
    return {name: each.detach().cpu().clone() for name, each in parameters.items()}


def _check(
    encoder: Encoder, classes: Sequence[str], data: LabeledPixels, prompts: DualPromptConfig
) -> None:
    if prompts.image_consistency or prompts.logit_consistency:
        raise InvalidInputError(
            "image_consistency and logit_consistency compare with frozen image features, and "
            "there are none while the image tower is tuned: leave both at 0.",
            reason="NOTHING_FROZEN",
        )
    if encoder.precision != "fp32" or encoder.spec.visual_tuning:
        raise InvalidInputError(
            "An image tower is tuned in fp32 and from its own weights: load the encoder with "
            "precision='fp32' and without visual_tuning.",
            reason="TUNING_BASE",
        )
    if len(data.targets_N) == 0:
        raise InvalidInputError(
            "There is nothing to train on: label images first.", reason="NO_TRAINING_DATA"
        )
    if data.targets_N.min() < 0 or data.targets_N.max() >= len(classes):
        raise InvalidInputError(
            f"A training target lies outside of the {len(classes)} classes.",
            reason="TARGET_OUT_OF_RANGE",
        )


def _check_finite(loss: float, done: int, steps: int, config: VisualTuningConfig) -> None:
    if not math.isfinite(loss):
        raise InvalidInputError(
            f"The loss became {loss} at step {done} of {steps}: give a learning rate below "
            f"{config.learning_rate:g}",
            reason="TUNING_DIVERGED",
        )
