"""Matrix products of image rows with a prompt version's vectors, exact to float32.

A bfloat16 product is rounded to 8 bits, which costs a ranking one to three per cent of its first
images, and float16 vectors are rounded before they are multiplied.
Shapes: n rows of a tile, K vectors, D embedding width.
"""

from collections.abc import Callable

import torch

Product = Callable[[torch.Tensor], torch.Tensor]
"""(n, D) rows to their (n, K) products, all float32."""


def product_with(weight_KD: torch.Tensor, rows: int) -> Product:
    """Return the product with `weight_KD` for tiles of `rows` rows."""
    if weight_KD.is_cpu and torch.backends.mkldnn.is_available():
        # What `v @ w.T` calls by itself is MKL, which takes twice as long on AMD's processors.
        packed = torch.ops.mkldnn._reorder_linear_weight(weight_KD, rows)
        return lambda v_nD: torch.ops.mkldnn._linear_pointwise(v_nD, packed, None, "none", [], "")
    return lambda v_nD: v_nD @ weight_KD.T
