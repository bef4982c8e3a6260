"""A labeled set without images, small enough to simulate in a second."""

import numpy as np
import torch
from torch.nn.functional import normalize

from poolscore.encoder.encoder import Encoder
from poolscore.evaluation.labeled_set import LabeledSet
from poolscore.neighbours.exact import nearest_neighbours

CLASSES = ("cat", "dog", "car", "tree")


def small_set(
    encoder: Encoder, pool: int = 120, test: int = 60, turn: float = 1.1, noise: float = 0.07
) -> LabeledSet:
    """Noisy images of the class names' own features, turned so that zero-shot errs."""
    text_CD = encoder.zero_shot(CLASSES, "a photo of a {}.")
    generator = torch.Generator().manual_seed(0)
    turned_CD = normalize(text_CD + turn * text_CD.roll(1, dims=0), dim=-1)
    targets = torch.arange(pool + test) % len(CLASSES)
    spread = torch.randn(pool + test, text_CD.shape[1], generator=generator)
    features = normalize(turned_CD[targets] + noise * spread, dim=-1).half().numpy()
    return LabeledSet(
        name="small",
        classes=CLASSES,
        ids_N=np.array([f"{row:03d}.jpg" for row in range(pool)]),
        pool_ND=features[:pool],
        pool_targets_N=targets[:pool].numpy(),
        neighbours=nearest_neighbours(features[:pool]),
        test_MD=features[pool:],
        test_targets_M=targets[pool:].numpy(),
        zero_shot_CD=text_CD,
    )
