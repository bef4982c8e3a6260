"""Scores of cached embeddings: one matrix product a tile, reduced before the next tile starts.

Logits of all images are never held: per image they would outweigh the embedding itself.
Shapes: N images, n images of a tile, C classes, D embedding width, R adapter rank.
"""

import numpy as np
import numpy.typing as npt
import torch

from poolscore.encoder.hardware import resolve_device
from poolscore.errors import InvalidInputError
from poolscore.scoring.folding import Columns, fold
from poolscore.scoring.precision import product_dtype
from poolscore.scoring.types import PromptFeatures, Scores

Float16 = npt.NDArray[np.float16]

_TILE_BYTES = 2 << 20


def score(
    embeddings_ND: Float16,
    prompts: PromptFeatures,
    *,
    device: str = "auto",
    tile: int | None = None,
    dtype: torch.dtype | None = None,
) -> Scores:
    """Score every embedding by the prompts.

    `embeddings_ND` are L2-normalised image features; read-only arrays (memory-mapped shards) are
    fine, nothing is copied but a tile. Class probabilities come from the positive prompt alone
    (arXiv 2602.04340, Eq. 4) and p_clean from both (Eq. 3); without a negative prompt p_clean is
    the probability of the predicted class. `tile` (rows) and `dtype` of the product are chosen by
    the device when left out. Raises InvalidInputError when the widths differ.
    """
    count, width = embeddings_ND.shape
    if width != prompts.positive_CD.shape[1]:
        raise InvalidInputError(
            f"The embeddings are {width} wide and the text features "
            f"{prompts.positive_CD.shape[1]}: they come from different encoders.",
            reason="ENCODER_MISMATCH",
        )
    place = resolve_device(device)
    columns = fold(prompts, place, dtype or product_dtype(place))
    rows = tile or _tile_rows(place, max(width, len(columns.weight_KD)))
    out = _empty(count)
    loader = _Loader(min(rows, count), width, place, columns.weight_KD.dtype)
    with torch.inference_mode():
        for start in range(0, count, rows):
            size = min(rows, count - start)
            reduced = _reduce(loader.load(embeddings_ND[start : start + size]), columns)
            for target, values in zip(_fields(out), reduced, strict=True):
                target[start : start + size] = values.cpu().numpy()
    return out


def _reduce(v_nD: torch.Tensor, columns: Columns) -> tuple[torch.Tensor, ...]:
    """Return predicted, probability, margin, entropy and p_clean of one tile."""
    product_nK = v_nD @ columns.weight_KD.T
    classes = columns.num_classes
    shrink_n1 = columns.inverse_length(product_nK)
    logits_nC = product_nK[:, :classes].float()
    if shrink_n1 is not None:
        logits_nC.mul_(shrink_n1)
    largest_n1, predicted_n1 = logits_nC.max(dim=1, keepdim=True)
    logits_nC.sub_(largest_n1)
    weights_nC = logits_nC.softmax(dim=1)
    probability_n1 = weights_nC.gather(1, predicted_n1)
    # log p_k = l_k - l_max + log p_max, so no logarithm or exponential is taken of a class.
    entropy_n1 = -probability_n1.log() - torch.linalg.vecdot(weights_nC, logits_nC)[:, None]
    second_n1 = weights_nC.scatter_(1, predicted_n1, 0.0).amax(dim=1, keepdim=True)
    p_clean_n1 = probability_n1
    if columns.has_negative:
        delta_n1 = product_nK[:, classes : 2 * classes].gather(1, predicted_n1).float()
        p_clean_n1 = torch.sigmoid(delta_n1 if shrink_n1 is None else delta_n1 * shrink_n1)
    return (
        predicted_n1[:, 0].int(),
        probability_n1[:, 0],
        (probability_n1 - second_n1)[:, 0],
        entropy_n1[:, 0].clamp_(min=0.0),
        p_clean_n1[:, 0],
    )


class _Loader:
    """Brings tiles of float16 rows to the device in the dtype of the product.

    Buffers are used again: new ones for each tile would cost more than the conversion.
    """

    def __init__(self, rows: int, width: int, place: torch.device, dtype: torch.dtype) -> None:
        self._place, self._dtype = place, dtype
        self._half_nD = torch.empty((rows, width), dtype=torch.float16)
        self._half = self._half_nD.numpy()
        if place.type == "cpu":
            self._single_nD = torch.empty((rows, width))
            self._tile_nD = torch.empty((rows, width), dtype=dtype)

    def load(self, tile_nD: Float16) -> torch.Tensor:
        """Bring one tile to the device; it is overwritten by the next."""
        size = len(tile_nD)
        half_nD = self._half_nD[:size]
        if tile_nD.flags.writeable:
            half_nD = torch.from_numpy(tile_nD)
        else:  # a shard mapped into memory, which torch would not take
            np.copyto(self._half[:size], tile_nD)
        if self._place.type == "cpu":
            # By way of float32, which torch vectorises: five times faster than half to bf16.
            single_nD = self._single_nD[:size].copy_(half_nD)
            return self._tile_nD[:size].copy_(single_nD)
        return half_nD.to(self._place, self._dtype)


def _tile_rows(place: torch.device, width: int) -> int:
    """Rows that stay in the cores' caches while they are converted, or fill a GPU."""
    if place.type == "cuda":
        return 1 << 17
    return max(256, torch.get_num_threads() * _TILE_BYTES // (4 * width))


def _empty(count: int) -> Scores:
    return Scores(np.empty(count, np.int32), *(np.empty(count, np.float32) for _ in range(4)))


def _fields(scores: Scores) -> tuple[npt.NDArray[np.int32] | npt.NDArray[np.float32], ...]:
    return scores.predicted, scores.probability, scores.margin, scores.entropy, scores.p_clean
