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

_CPU_TILE, _GPU_TILE = 2048, 1 << 17
"""Rows that stay in the caches of a few cores while they are converted, or fill a GPU."""


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
    the device when left out; near ties of a narrow product are computed again in float32. Raises
    InvalidInputError when the widths differ.
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
    rows = tile or (_GPU_TILE if place.type == "cuda" else _CPU_TILE)
    out, near = _empty(count), [np.empty(0, np.int64)]
    with torch.inference_mode():
        loader = _Loader(rows, width, place, columns.weight_KD.dtype)
        for start in range(0, count, rows):
            tile_nD = embeddings_ND[start : start + rows]
            reduced, near_n = _reduce(loader.load(tile_nD), columns)
            _write(out, slice(start, start + len(tile_nD)), reduced)
            near.append(start + np.flatnonzero(near_n[: len(tile_nD)].cpu().numpy()))
        if columns.weight_KD.dtype != torch.float32:
            _score_again(embeddings_ND, np.concatenate(near), prompts, place, out)
    return out


def _score_again(
    embeddings_ND: Float16,
    again: npt.NDArray[np.int64],
    prompts: PromptFeatures,
    place: torch.device,
    out: Scores,
) -> None:
    """Replace the scores of these rows by those of a float32 product."""
    columns = fold(prompts, place, torch.float32)
    loader = _Loader(_CPU_TILE, embeddings_ND.shape[1], place, torch.float32)
    for first in range(0, len(again), _CPU_TILE):
        rows = again[first : first + _CPU_TILE]
        _write(out, rows, _reduce(loader.load(embeddings_ND[rows]), columns)[0])


def _write(
    out: Scores, places: slice | npt.NDArray[np.int64], values: tuple[torch.Tensor, ...]
) -> None:
    for target, column in zip(_fields(out), values, strict=True):
        into = target[places]
        target[places] = column[: len(into)].cpu().numpy()


def _reduce(v_nD: torch.Tensor, columns: Columns) -> tuple[tuple[torch.Tensor, ...], torch.Tensor]:
    """Return predicted, probability, margin, entropy and p_clean of one tile, and near ties.

    Where the two largest logits differ by less than their rounding, the order of the classes is not
    known: the prediction, p_clean, which belongs to it, and the margin have to be looked at again.
    """
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
    # A unit in the last place at least: the next logit that the product can tell apart.
    rounding_n1 = torch.finfo(product_nK.dtype).eps * largest_n1.abs()
    near_n1 = probability_n1.log() - second_n1.log() < rounding_n1
    fields = (
        predicted_n1[:, 0].int(),
        probability_n1[:, 0],
        (probability_n1 - second_n1)[:, 0],
        entropy_n1[:, 0].clamp_(min=0.0),
        p_clean_n1[:, 0],
    )
    return fields, near_n1[:, 0]


class _Loader:
    """Brings tiles of float16 rows to the device in the dtype of the product.

    All tiles have one size, the last one with zeros behind it: how a product rounds may depend on
    its size, and a score must not depend on how the pool was split. Buffers are used again, as new
    ones for each tile would cost more than the conversion.
    """

    def __init__(self, rows: int, width: int, place: torch.device, dtype: torch.dtype) -> None:
        self._half_nD = torch.zeros((rows, width), dtype=torch.float16)
        self._half = self._half_nD.numpy()
        self._place, self._dtype = place, dtype
        if place.type == "cpu":
            self._single_nD = torch.empty((rows, width))
            self._tile_nD = torch.empty((rows, width), dtype=dtype)

    def load(self, tile_nD: Float16) -> torch.Tensor:
        """Bring one tile to the device; it is overwritten by the next."""
        size, half_nD = len(tile_nD), self._half_nD
        if size == len(half_nD) and tile_nD.flags.writeable:
            half_nD = torch.from_numpy(tile_nD)
        else:  # short, or a shard mapped into memory, which torch would not take
            np.copyto(self._half[:size], tile_nD)
            self._half[size:] = 0
        if self._place.type == "cpu":
            # By way of float32, which torch vectorises: five times faster than half to bf16.
            return self._tile_nD.copy_(self._single_nD.copy_(half_nD))
        return half_nD.to(self._place, self._dtype)


def _empty(count: int) -> Scores:
    return Scores(np.empty(count, np.int32), *(np.empty(count, np.float32) for _ in range(4)))


def _fields(scores: Scores) -> tuple[npt.NDArray[np.int32] | npt.NDArray[np.float32], ...]:
    return scores.predicted, scores.probability, scores.margin, scores.entropy, scores.p_clean
