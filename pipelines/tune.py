"""Tuning an image tower on labeled photographs, and measuring what it is worth.

Shapes: N images, S image size, D embedding width.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from poolscore.encoder.encoder import Encoder
from poolscore.encoder.visual_tuning.attach import attached
from poolscore.encoder.visual_tuning.config import VisualTuningConfig
from poolscore.encoder.visual_tuning.tower import check_tower
from poolscore.encoder.visual_tuning.tuning import VisualTuning
from poolscore.evaluation.metrics import accuracy
from poolscore.images.load import load_image
from poolscore.prompts.trained import zero_shot_prompts
from poolscore.prompts.visual import LabeledPixels, tune_visual
from poolscore.scoring.kernel import score

_BATCH = 64

Labeled = Sequence[tuple[Path, str]]
"""Image files and their classes."""
OnProgress = Callable[[str, int, int], None]
"""Receives what is being done, how much of it is done, and of how much."""


@dataclass(frozen=True)
class Gain:
    """Accuracies on the test images."""

    before: float
    """Of the encoder as it was, with the texts of the template."""
    after: float
    """Of the tuned encoder with the same texts: where a new pool starts."""
    with_prompts: float
    """Of the tuned encoder with the prompts that were learned beside it."""


def tune_on_images(
    encoder: Encoder,
    classes: Sequence[str],
    template: str,
    train: Labeled,
    test: Labeled,
    config: VisualTuningConfig,
    seed: int,
    on_progress: OnProgress,
) -> tuple[VisualTuning, Gain]:
    """Learn a tuning from `train`; its metrics hold the accuracies on `test` as well.

    The pixels of `train` are held in memory, 3 S^2 bytes an image. Raises what `tune_visual`
    raises and InvalidInputError IMAGE_BROKEN.
    """
    check_tower(encoder.image_tower, config, encoder.spec.model)
    number = {name: index for index, name in enumerate(classes)}
    target_N = np.array([number[label] for _, label in test], np.int64)
    zero_shot = zero_shot_prompts(encoder.zero_shot(classes, template), encoder.scale).features
    features_ND = _embed(encoder, test, "measuring before", on_progress)
    before = accuracy(score(features_ND, zero_shot).predicted, target_N)
    result = tune_visual(
        encoder,
        classes,
        template,
        _read_all(encoder, train, number, on_progress),
        config,
        seed=seed,
        on_step=lambda done, steps, loss: on_progress(f"tuning, loss {loss:.3f}", done, steps),
    )
    tuning = result.tuning
    with attached(encoder.image_tower, config, tuning.tensors):
        features_ND = _embed(encoder, test, "measuring after", on_progress)
    gain = Gain(
        before,
        accuracy(score(features_ND, zero_shot).predicted, target_N),
        accuracy(score(features_ND, result.prompts.features).predicted, target_N),
    )
    measured = {f"accuracy_{name}": value for name, value in vars(gain).items()}
    return replace(tuning, metrics={**tuning.metrics, **measured}), gain


def _embed(
    encoder: Encoder, images: Labeled, what: str, on_progress: OnProgress
) -> npt.NDArray[np.float16]:
    parts: list[npt.NDArray[np.float16]] = []
    for start in range(0, len(images), _BATCH):
        pixels = [
            encoder.preprocess(load_image(path)) for path, _ in images[start : start + _BATCH]
        ]
        parts.append(encoder.encode_images(np.stack(pixels)))
        on_progress(what, start + len(pixels), len(images))
    return np.concatenate(parts)


def _read_all(
    encoder: Encoder, images: Labeled, number: dict[str, int], on_progress: OnProgress
) -> LabeledPixels:
    pixels: list[npt.NDArray[np.uint8]] = []
    for path, _ in images:
        pixels.append(encoder.preprocess(load_image(path)))
        on_progress("reading images", len(pixels), len(images))
    targets = np.array([number[label] for _, label in images], np.int64)
    return LabeledPixels(np.stack(pixels), targets)
