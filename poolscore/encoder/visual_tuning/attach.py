"""A tuning and a tower together: for the time of a training, or for good."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager

import torch
from torch import nn

from poolscore.encoder.visual_tuning.config import VisualTuningConfig, VptConfig
from poolscore.encoder.visual_tuning.deep_prompts import (
    initial_prompts,
    insert_prompts,
    remove_prompts,
)
from poolscore.encoder.visual_tuning.low_rank import (
    initial_low_rank,
    insert_low_rank,
    merge_low_rank,
    remove_low_rank,
)


def initial_tensors(
    tower: nn.Module, config: VisualTuningConfig, generator: torch.Generator
) -> dict[str, torch.Tensor]:
    """Untrained tensors for a tower that `check_tower` lets pass, by name, on the CPU."""
    if isinstance(config, VptConfig):
        return initial_prompts(tower, config, generator)
    return initial_low_rank(tower, config, generator)


@contextmanager
def attached(
    tower: nn.Module,
    config: VisualTuningConfig,
    tensors: Mapping[str, torch.Tensor],
    *,
    training: bool = False,
) -> Generator[dict[str, nn.Parameter]]:
    """Tune the tower while the block runs; yield copies of the tensors that it computes with.

    With `training` they ask for gradients and dropout is on. The tower's own modules and weights
    stay as they are.
    """
    device = next(tower.parameters()).device
    parameters = {
        name: nn.Parameter(tensor.clone().to(device), requires_grad=training)
        for name, tensor in tensors.items()
    }
    if isinstance(config, VptConfig):
        insert_prompts(tower, parameters)
    else:
        insert_low_rank(tower, config, parameters, drops=training)
    try:
        yield parameters
    finally:
        if isinstance(config, VptConfig):
            remove_prompts(tower)
        else:
            remove_low_rank(tower)


def apply_tensors(
    tower: nn.Module, config: VisualTuningConfig, tensors: Mapping[str, torch.Tensor]
) -> None:
    """Tune the tower for good; in float32 and on the CPU, as it is before it is placed."""
    if isinstance(config, VptConfig):
        frozen = {name: nn.Parameter(each, requires_grad=False) for name, each in tensors.items()}
        insert_prompts(tower, frozen)
    else:
        merge_low_rank(tower, config, tensors)
