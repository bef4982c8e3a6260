"""Tensors and one JSON document in one safetensors file, never pickle.

Equal tensors and documents give equal bytes, so such a file can be named by its sha256.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import torch
from safetensors.torch import save

_HEADER = "poolscore"
"""The only header entry: safetensors does not keep the order of several, and order is content."""


def pack(tensors: Mapping[str, torch.Tensor], document: Mapping[str, Any]) -> bytes:
    """Bytes of the file; tensors are kept as float32."""
    kept = {name: each.detach().float().cpu().contiguous() for name, each in tensors.items()}
    return save(kept, {_HEADER: json.dumps(document, sort_keys=True)})


def document_of(data: bytes) -> dict[str, Any]:
    """Read the document; an empty one when `data` is something else."""
    with suppress(ValueError, KeyError, TypeError):
        # 8 bytes of length, then a JSON object with `__metadata__`.
        end = 8 + int.from_bytes(data[:8], "little")
        document: Any = json.loads(json.loads(data[8:end])["__metadata__"][_HEADER])
        return document if isinstance(document, dict) else {}
    return {}
