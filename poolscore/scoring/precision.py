"""Which arithmetic the kernel uses for its one matrix product."""

import torch

from poolscore.encoder.hardware import fast_bf16


def product_dtype(device: torch.device) -> torch.dtype:
    """Return the fastest safe dtype of embeddings x text vectors on `device`.

    GPUs multiply the stored float16 as it is. Processors with bf16 instructions take bf16, all
    others float32: float16 products on a CPU are emulated and about a hundred times slower.
    """
    if device.type == "cuda":
        return torch.float16
    return torch.bfloat16 if fast_bf16(device) else torch.float32
