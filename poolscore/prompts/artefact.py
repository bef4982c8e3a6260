"""Prompt versions as files: safetensors named by their own sha256, never pickle.

One file holds the contexts, the adapter, the text features they give (so that scoring needs no
text tower) and, in its header, a JSON document with the configuration, seed, training metrics and
whatever the caller adds (class names, template, encoder digest, ...).
"""

import hashlib
from pathlib import PurePosixPath
from typing import Any

import torch
from pyarrow import fs
from safetensors.torch import load

from poolscore.errors import FailedPreconditionError
from poolscore.prompts.config import DualPromptConfig
from poolscore.prompts.trained import TrainedPrompts
from poolscore.scoring.types import Adapter, PromptFeatures
from poolscore.store.files import read_bytes, write_once
from poolscore.store.tensor_file import document_of, pack

FORMAT = "poolscore-prompts/1"


def save_prompts(
    filesystem: fs.FileSystem, folder: str, prompts: TrainedPrompts, metadata: dict[str, Any]
) -> tuple[str, str]:
    """Write `{folder}/{sha256}.safetensors`, whole or not at all; return (sha256, path).

    `metadata` is any JSON document of the caller's; it comes back from `load_prompts`. Saving the
    same prompts again finds the file in place.
    """
    header = {
        "format": FORMAT,
        "scale": prompts.features.scale,
        "seed": prompts.seed,
        "config": None if prompts.config is None else prompts.config.model_dump(mode="json"),
        "metrics": prompts.metrics,
        "metadata": metadata,
    }
    data = pack(_tensors(prompts), header)
    digest = hashlib.sha256(data).hexdigest()
    path = f"{folder}/{digest}.safetensors"
    write_once(filesystem, path, data)
    return digest, path


def load_prompts(filesystem: fs.FileSystem, path: str) -> tuple[TrainedPrompts, dict[str, Any]]:
    """Read a file of `save_prompts`; return the prompts and the caller's metadata.

    Raises NotFoundError FILE_NOT_FOUND, and FailedPreconditionError PROMPTS_CORRUPT when the
    content does not have the sha256 of its name or PROMPTS_FORMAT when it is something else.
    """
    data = read_bytes(filesystem, path)
    expected, actual = PurePosixPath(path).stem, hashlib.sha256(data).hexdigest()
    if actual != expected:
        raise FailedPreconditionError(
            f"The prompt file '{path}' was damaged or changed: its sha256 is {actual}. Restore it "
            "from a copy, or activate another prompt version.",
            reason="PROMPTS_CORRUPT",
            path=path,
        )
    header = _header(data, path)
    tensors = load(data)
    config = header["config"]
    prompts = TrainedPrompts(
        features=_features(tensors, header["scale"]),
        positive_context_MW=tensors.get("positive_context"),
        negative_context_MW=tensors.get("negative_context"),
        config=None if config is None else DualPromptConfig.model_validate(config),
        seed=header["seed"],
        metrics=header["metrics"],
    )
    return prompts, header["metadata"]


def _header(data: bytes, path: str) -> dict[str, Any]:
    header = document_of(data)
    if header.get("format") != FORMAT:
        raise FailedPreconditionError(
            f"'{path}' holds {header.get('format', 'no prompts')}, this version of poolscore reads "
            f"{FORMAT}. Train new prompts, or use the version of poolscore that wrote it.",
            reason="PROMPTS_FORMAT",
            path=path,
        )
    return header


def _tensors(prompts: TrainedPrompts) -> dict[str, torch.Tensor]:
    adapter = prompts.features.adapter
    named = {
        "positive_features": prompts.features.positive_CD,
        "negative_features": prompts.features.negative_CD,
        "positive_context": prompts.positive_context_MW,
        "negative_context": prompts.negative_context_MW,
        "adapter_down": None if adapter is None else adapter.down_DR,
        "adapter_up": None if adapter is None else adapter.up_RD,
    }
    return {name: tensor for name, tensor in named.items() if tensor is not None}


def _features(tensors: dict[str, torch.Tensor], scale: float) -> PromptFeatures:
    adapter = None
    if "adapter_down" in tensors:
        adapter = Adapter(tensors["adapter_down"], tensors["adapter_up"])
    return PromptFeatures(
        tensors["positive_features"], tensors.get("negative_features"), scale, adapter
    )
