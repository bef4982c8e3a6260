"""Scores of cached embeddings: one matrix product a tile, reduced before the next tile starts.

Logits of all images are never held: per image they would outweigh the embedding itself.
Shapes: N images, n images of a tile, C classes, D embedding width, R adapter rank, K vectors.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from poolscore.encoder.hardware import resolve_device
from poolscore.errors import InvalidInputError
from poolscore.scoring.folding import Columns, fold
from poolscore.scoring.product import Product, product_with
from poolscore.scoring.tiles import for_each_tile, tile_rows
from poolscore.scoring.types import PromptFeatures, Scores

Float16 = npt.NDArray[np.float16]
Column = npt.NDArray[np.int32] | npt.NDArray[np.float32]


def score(embeddings_ND: Float16, prompts: PromptFeatures, *, device: str = "auto") -> Scores:
    """Score every embedding by the prompts.

    `embeddings_ND` are L2-normalised image features; read-only arrays (memory-mapped shards) are
    fine, nothing is copied but a tile. Class probabilities come from the positive prompt alone
    (arXiv 2602.04340, Eq. 4) and p_clean from both (Eq. 3); without a negative prompt p_clean is
    the probability of the predicted class. Raises InvalidInputError when the widths differ.
    """
    return score_blocks([embeddings_ND], prompts, device=device)


def score_blocks(
    blocks: Sequence[Float16], prompts: PromptFeatures, *, device: str = "auto"
) -> Scores:
    """Score the rows of all blocks, one block after the other, as `score` does."""
    for block_ND in blocks:
        _check_width(block_ND, prompts)
    place = resolve_device(device)
    columns = fold(prompts, place)
    product = product_with(columns.weight_KD, tile_rows(place))
    out, start = _empty(sum(len(block_ND) for block_ND in blocks)), 0
    for block_ND in blocks:
        end = start + len(block_ND)
        # Views: to put the blocks' scores together afterwards would touch as much memory again.
        targets = [field_N[start:end] for field_N in _fields(out)]
        _score_into(targets, block_ND, place, columns, product)
        start = end
    return out


def _check_width(embeddings_ND: Float16, prompts: PromptFeatures) -> None:
    width, wanted = embeddings_ND.shape[1], prompts.positive_CD.shape[1]
    if width != wanted:
        raise InvalidInputError(
            f"The embeddings are {width} wide and the text features {wanted}: they come from "
            "different encoders.",
            reason="ENCODER_MISMATCH",
        )


def _score_into(
    targets: Sequence[Column],
    embeddings_ND: Float16,
    place: torch.device,
    columns: Columns,
    product: Product,
) -> None:
    def one(rows: slice, v_nD: torch.Tensor) -> None:
        reduced = _reduce(v_nD, product(v_nD), columns)
        for target, column in zip(targets, reduced, strict=True):
            target[rows] = column[: rows.stop - rows.start].cpu().numpy()

    for_each_tile(embeddings_ND, place, one)


def _reduce(
    v_nD: torch.Tensor, product_nK: torch.Tensor, columns: Columns
) -> tuple[torch.Tensor, ...]:
    """Return predicted, probability, margin, entropy and p_clean of one tile."""
    shrink_n1 = columns.inverse_length(product_nK)
    logits_nC = product_nK[:, : columns.num_classes]
    if shrink_n1 is not None:
        logits_nC.mul_(shrink_n1)
    predicted_n1 = _largest(logits_nC)
    logits_nC.sub_(logits_nC.gather(1, predicted_n1))
    weights_nC = logits_nC.softmax(dim=1)
    probability_n1 = weights_nC.gather(1, predicted_n1)
    # log p_k = l_k - l_max + log p_max, so no logarithm or exponential is taken of a class.
    entropy_n1 = -probability_n1.log() - torch.linalg.vecdot(weights_nC, logits_nC)[:, None]
    second_n1 = weights_nC.scatter_(1, predicted_n1, 0.0).amax(dim=1, keepdim=True)
    p_clean_n1 = probability_n1
    if columns.difference_CD is not None:
        # Of one class an image: half the arithmetic of a product with all of them.
        own_nD = columns.difference_CD.index_select(0, predicted_n1[:, 0])
        apart_n1 = torch.linalg.vecdot(v_nD, own_nD)[:, None]
        p_clean_n1 = torch.sigmoid(apart_n1 if shrink_n1 is None else apart_n1 * shrink_n1)
    fields = (
        predicted_n1.int(),
        probability_n1,
        probability_n1 - second_n1,
        entropy_n1.clamp_(min=0.0),
        p_clean_n1,
    )
    return tuple(field_n1[:, 0] for field_n1 in fields)


def _largest(logits_nC: torch.Tensor) -> torch.Tensor:
    """Return the first of the largest of each row, (n, 1): NumPy looks at many numbers at once."""
    if logits_nC.is_cpu:
        return torch.from_numpy(logits_nC.numpy().argmax(axis=1, keepdims=True))
    return logits_nC.argmax(dim=1, keepdim=True)


def _empty(count: int) -> Scores:
    return Scores(np.empty(count, np.int32), *(np.empty(count, np.float32) for _ in range(4)))


def _fields(scores: Scores) -> tuple[Column, ...]:
    return scores.predicted, scores.probability, scores.margin, scores.entropy, scores.p_clean
