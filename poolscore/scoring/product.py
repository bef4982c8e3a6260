"""Matrix products of image rows with a prompt version's vectors, exact to float32.

Shapes: n rows of a tile, K vectors, D embedding width.
"""

from collections.abc import Callable

import torch

Product = Callable[[torch.Tensor], torch.Tensor]
"""(n, D) rows in the dtype of `row_dtype` to their (n, K) products, float32."""


def row_dtype(device: torch.device) -> torch.dtype:
    """Dtype of rows and vectors on `device`.

    GPUs multiply the stored float16 as it is and add in float32. Processors take float32: they
    emulate float16, and a bfloat16 product is rounded to 8 bits, which costs a ranking one to three
    per cent of its first images.
    """
    return torch.float16 if device.type == "cuda" else torch.float32


def product_with(weight_KD: torch.Tensor, rows: int) -> Product:
    """Return the product with `weight_KD` for tiles of `rows` rows."""
    if weight_KD.is_cuda:
        transposed_DK = weight_KD.T
        return lambda v_nD: torch.mm(v_nD, transposed_DK, out_dtype=torch.float32)
    if torch.backends.mkldnn.is_available():
        # What `v @ w.T` calls by itself is MKL, which takes twice as long on AMD's processors.
        packed = torch.ops.mkldnn._reorder_linear_weight(weight_KD, rows)
        return lambda v_nD: torch.ops.mkldnn._linear_pointwise(v_nD, packed, None, "none", [], "")
    return lambda v_nD: v_nD @ weight_KD.T
