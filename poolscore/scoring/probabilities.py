"""Class probabilities of cached embeddings, kept whole: for methods that need the distribution.

Shapes: N images, n images of a tile, C classes, D embedding width.
"""

import numpy as np
import numpy.typing as npt
import torch

from poolscore.encoder.hardware import resolve_device
from poolscore.scoring.folding import fold
from poolscore.scoring.product import product_with
from poolscore.scoring.tiles import for_each_tile, tile_rows
from poolscore.scoring.types import Float32, PromptFeatures


def class_probabilities(
    features_ND: npt.NDArray[np.floating],
    prompts: PromptFeatures,
    *,
    device: str = "auto",
) -> Float32:
    """Return softmax_k(s <v, t+_k>), shape (N, C); the largest is that of `Scores.predicted`.

    Takes 4 N C bytes; what only needs a maximum, a margin or an entropy reads `Scores` instead.
    """
    place = resolve_device(device)
    columns = fold(prompts, place)
    product = product_with(columns.weight_KD, tile_rows(place))
    out_NC = np.empty((len(features_ND), columns.num_classes), np.float32)

    def one(rows: slice, v_nD: torch.Tensor) -> None:
        product_nK = product(v_nD)
        shrink_n1 = columns.inverse_length(product_nK)
        logits_nC = product_nK[: rows.stop - rows.start, : columns.num_classes]
        if shrink_n1 is not None:
            logits_nC.mul_(shrink_n1[: len(logits_nC)])
        out_NC[rows] = logits_nC.softmax(dim=1).cpu().numpy()

    for_each_tile(features_ND, place, one)
    return out_NC
