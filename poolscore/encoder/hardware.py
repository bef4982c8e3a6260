"""Where and in which arithmetic a model runs on this machine."""

import torch

from poolscore.encoder.spec import Precision


def resolve_device(device: str) -> torch.device:
    """`auto` is the first GPU if there is one, else the processor."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(device)


def fast_bf16(device: torch.device) -> bool:
    """Whether bfloat16 matrix products are native on `device`, not emulated."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def resolve_precision(precision: Precision, device: torch.device) -> str:
    """`fp32` or `bf16`; `auto` takes bf16 exactly where it is fast."""
    if precision == "auto":
        return "bf16" if fast_bf16(device) else "fp32"
    return precision
