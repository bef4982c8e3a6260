"""CoFT on cached features: two models choose training images for each other, without labels.

arXiv 2602.04337 [A]. Phase 1 trains two dual-prompt models on the most certain zero-shot images of
every class. Phase 2: each model labels the pool, the other keeps a label where its positive prompt
beats its negative one, and a classifier is trained on what is kept. The paper then fine-tunes the
image tower; here it stays frozen, so that the pool need not be embedded again, and a linear head on
the adapted feature is trained instead [C]. Not covered: CoFT+'s repeated rounds, contrastive loss
and generated templates. Shapes: N images, K kept ones, C classes, D embedding width.
"""

from dataclasses import dataclass

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch.nn.functional import cross_entropy

from poolscore.encoder.prompt_text import PromptTextEncoder
from poolscore.prompts.adapter import adapt
from poolscore.prompts.config import DualPromptConfig
from poolscore.prompts.descent import descend
from poolscore.prompts.mining import mine_pseudo_labels
from poolscore.prompts.train import TrainingSet, train_dual_prompts
from poolscore.scoring.types import PromptFeatures


class CoftConfig(BaseModel):
    """Both phases; numbers without a flag of a source are ours [C]."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompts: DualPromptConfig = DualPromptConfig()
    """Of phase 1 [A: dual prompts with lambda; C: values]; needs the dual loss."""
    per_class: int = Field(default=16, ge=1)
    """K most certain images of each class [A: not given; C]."""
    learning_rate: float = Field(default=0.003, gt=0)
    """Of Adam on the heads, in units of text features [C]."""
    steps: int = Field(default=300, ge=1)
    """Of Adam on each head [C]."""
    batch: int = Field(default=256, ge=1)
    """Images a step of a head [C]."""


@dataclass(frozen=True)
class Coft:
    """Two prompt models and the head on top of each."""

    models: tuple[PromptFeatures, PromptFeatures]
    head_CD: tuple[torch.Tensor, torch.Tensor]

    def predict(self, image_ND: torch.Tensor) -> torch.Tensor:
        """Mean of both heads' probabilities, (N, C) [C: the paper does not say how they meet]."""
        parts = [
            (model.scale * adapt(image_ND, model.adapter) @ head.T).softmax(dim=1)
            for model, head in zip(self.models, self.head_CD, strict=True)
        ]
        return (parts[0] + parts[1]) / 2


def fit_coft(
    text: PromptTextEncoder,
    scale: float,
    image_ND: torch.Tensor,
    anchor_CD: torch.Tensor,
    config: CoftConfig | None = None,
    seed: int = 0,
) -> Coft:
    """Learn from unlabeled images on the CPU; `anchor_CD` are zero-shot text features.

    The models differ by their seeds. A model's head learns from its own labels that the other
    model kept [C: which of the two learns from them is not said]; it starts as the model's positive
    text features, and stays so where nothing was kept.
    """
    config = config or CoftConfig()
    data = confident_images(image_ND, anchor_CD, scale, config.per_class)
    first, second = (
        train_dual_prompts(text, scale, data, config.prompts, each, anchor_CD=anchor_CD).features
        for each in (2 * seed, 2 * seed + 1)
    )
    heads = (
        _fit_head(first, image_ND, kept_labels(first, second, image_ND), config, seed),
        _fit_head(second, image_ND, kept_labels(second, first, image_ND), config, seed),
    )
    return Coft((first, second), heads)


def confident_images(
    image_ND: torch.Tensor, anchor_CD: torch.Tensor, scale: float, per_class: int
) -> TrainingSet:
    """The images of largest zero-shot probability of every class, as pseudo-labels [A]."""
    confidence_N, predicted_N = (scale * image_ND @ anchor_CD.T).softmax(dim=1).max(dim=1)
    rows, targets = mine_pseudo_labels(
        predicted_N.numpy().astype(np.int32),
        confidence_N.numpy(),
        np.array([f"{row:012d}" for row in range(len(image_ND))]),
        np.zeros(len(image_ND), np.bool_),
        per_class,
    )
    return TrainingSet(image_ND.numpy()[rows], targets, np.ones(len(rows), np.bool_))


def kept_labels(
    labeller: PromptFeatures, judge: PromptFeatures, image_ND: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows (K,) and labels (K,) of `labeller` where <v, t+_y> > <v, t-_y> for `judge` [A]."""
    labels_N = (adapt(image_ND, labeller.adapter) @ labeller.positive_CD.T).argmax(dim=1)
    if judge.negative_CD is None:
        raise ValueError("CoFT judges by negative prompts: dual_weight must not be 0.")
    difference_CD = judge.positive_CD - judge.negative_CD
    judged_N = (adapt(image_ND, judge.adapter) * difference_CD[labels_N]).sum(dim=1)
    rows_K = torch.nonzero(judged_N > 0)[:, 0]
    return rows_K, labels_N[rows_K]


def _fit_head(
    model: PromptFeatures,
    image_ND: torch.Tensor,
    kept: tuple[torch.Tensor, torch.Tensor],
    config: CoftConfig,
    seed: int,
) -> torch.Tensor:
    """Linear classifier (C, D) on the adapted feature, cross-entropy [A]."""
    rows_K, labels_K = kept
    head_CD = model.positive_CD.clone().requires_grad_()
    adapted_KD = adapt(image_ND[rows_K], model.adapter)

    def loss(batch: torch.Tensor) -> torch.Tensor:
        logits = model.scale * adapted_KD[batch] @ head_CD.T
        return cross_entropy(logits, labels_K[batch])

    if len(rows_K):
        generator = torch.Generator().manual_seed(seed)
        descend(
            [head_CD],
            loss,
            len(rows_K),
            config.batch,
            config.steps,
            config.learning_rate,
            generator,
        )
    return head_CD.detach()
