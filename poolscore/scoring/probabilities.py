"""Class probabilities of cached embeddings, kept whole: for methods that need the distribution.

Shapes: N images, n images of a tile, C classes, D embedding width.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch

from poolscore.encoder.hardware import resolve_device
from poolscore.scoring.folding import fold
from poolscore.scoring.types import Float32, PromptFeatures

_TILE = 1 << 14


def class_probabilities(
    features_ND: npt.NDArray[np.floating],
    prompts: PromptFeatures,
    *,
    device: str = "auto",
) -> Float32:
    """Return softmax_k(s <v, t+_k>), shape (N, C), by float32 products.

    The largest one is that of the predicted class of the scoring kernel, which takes float32 where
    less could mistake it. Takes 4 N C bytes; what only needs a maximum, a margin or an entropy
    reads `Scores` instead.
    """
    place = resolve_device(device)
    positive = replace(prompts, negative_CD=None)
    columns = fold(positive, place, torch.float32)
    out = np.empty((len(features_ND), columns.num_classes), np.float32)
    with torch.inference_mode():
        for start in range(0, len(out), _TILE):
            # A copy: shards are read-only memory, which torch would not take.
            tile = torch.from_numpy(features_ND[start : start + _TILE].astype(np.float32))
            product_nK = tile.to(place) @ columns.weight_KD.T
            logits_nC = product_nK[:, : columns.num_classes]
            shrink_n1 = columns.inverse_length(product_nK)
            if shrink_n1 is not None:
                logits_nC.mul_(shrink_n1)
            out[start : start + _TILE] = logits_nC.softmax(dim=1).cpu().numpy()
    return out
