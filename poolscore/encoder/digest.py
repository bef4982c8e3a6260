"""One SHA-256 that changes whenever embeddings could."""

import hashlib
import json
from dataclasses import asdict
from typing import Any

import torch
from torch import nn

from poolscore.encoder.preprocessing import Preprocessing


def encoder_digest(
    config: dict[str, Any], model: nn.Module, precision: str, preprocessing: Preprocessing
) -> str:
    """Hex SHA-256 over model configuration, weights, resolved precision and preprocessing.

    Weights count as tensors, not as a file, so that one model saved in two formats is one encoder.
    Call it before the image tower is converted to `precision`.
    """
    hashed = hashlib.sha256()
    described = {"config": config, "precision": precision, "preprocessing": asdict(preprocessing)}
    hashed.update(json.dumps(described, sort_keys=True).encode())
    for name, tensor in sorted(model.state_dict().items()):
        hashed.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        hashed.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return hashed.hexdigest()


def tuned_digest(base_digest: str, tuning_digest: str, precision: str) -> str:
    """Hex SHA-256 of an encoder with a tuned image tower.

    `base_digest` is that of the encoder without tuning in fp32, for which the tuning was learned.
    """
    described = {"base": base_digest, "tuning": tuning_digest, "precision": precision}
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()
