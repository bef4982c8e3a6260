"""A pool of embeddings as photographs give them: groups of very different sizes."""

import numpy as np
import torch

from poolscore.acquisition.build_view import ViewParts
from poolscore.scoring.kernel import score
from poolscore.scoring.types import PromptFeatures

WIDTH, CLASSES, LABELED = 512, 100, 1_000
_GROUPS, _STEP = 5_000, 50_000


def grouped_pool(images: int) -> ViewParts:
    """`images` of width 512 in groups, 100 of which are classes; 1,000 images have labels."""
    generator = torch.Generator().manual_seed(0)
    normalize = torch.nn.functional.normalize
    centres = normalize(torch.randn(_GROUPS, WIDTH, generator=generator), dim=1)
    chance = torch.rand(_GROUPS, generator=generator) ** 3
    features_ND = np.empty((images, WIDTH), np.float16)
    for start in range(0, images, _STEP):
        rows = min(_STEP, images - start)
        groups = torch.multinomial(chance, rows, replacement=True, generator=generator)
        noise = torch.randn(rows, WIDTH, generator=generator) * 0.04
        features = normalize(centres[groups] + noise, dim=1)
        features_ND[start : start + rows] = features.half().numpy()
    blur = 0.05 * torch.randn(CLASSES, WIDTH, generator=generator)
    text_CD = normalize(centres[:CLASSES] + blur, dim=1)
    prompts = PromptFeatures(text_CD, text_CD.roll(1, 0), 30.0)
    return ViewParts(
        ids_N=np.array([f"{row * 2654435761 % 2**32:032x}" for row in range(images)]),
        scores=score(features_ND, prompts),
        classes=[f"class {number}" for number in range(CLASSES)],
        prompts=lambda: prompts,
        features=lambda rows: features_ND[rows],
        labeled=lambda: (features_ND[:LABELED], np.arange(LABELED) % CLASSES),
    )
