"""Optimisers of prompts and adapter."""

import math

import torch

from poolscore.prompts.config import DualPromptConfig


def make_optimizer(
    contexts: torch.Tensor, adapter: list[torch.Tensor], labels: int, config: DualPromptConfig
) -> torch.optim.Optimizer:
    """Return SGD with momentum [A] or AdamW [C]; the adapter has a rate and decay of its own.

    The decay of the adapter falls with the number of `labels` it is learned from.
    """
    groups = [
        {
            "params": [contexts],
            "lr": config.learning_rate,
            "weight_decay": config.weight_decay,
        }
    ]
    if adapter:
        groups.append(
            {
                "params": adapter,
                "lr": config.adapter_learning_rate,
                "weight_decay": _adapter_decay(labels, config),
            }
        )
    if config.optimizer == "sgd":
        return torch.optim.SGD(groups, momentum=config.momentum)
    return torch.optim.AdamW(groups)


def _adapter_decay(labels: int, config: DualPromptConfig) -> float:
    """Shrinkage per label, but never more than half of a weight in one step."""
    return min(config.adapter_shrinkage / labels, 0.5 / config.adapter_learning_rate)


def cosine_schedule(
    optimizer: torch.optim.Optimizer, steps: int
) -> torch.optim.lr_scheduler.LRScheduler:
    """Decay every learning rate from its start to zero along half a cosine [A]."""
    return torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: 0.5 * (1.0 + math.cos(math.pi * step / steps))
    )
