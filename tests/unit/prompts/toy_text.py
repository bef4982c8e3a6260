"""A differentiable text tower small enough to reason about."""

import torch


class ToyText:
    """A text tower of one attention-like layer: contexts turn every class vector a little."""

    def __init__(self, classes: int, contexts: int = 4, width: int = 8, dim: int = 16) -> None:
        generator = torch.Generator().manual_seed(0)
        self.num_classes, self.num_contexts, self.width = classes, contexts, width
        self.class_CD = torch.randn(classes, dim, generator=generator)
        self.turn_WD = torch.randn(width, dim, generator=generator)
        self.gate_WD = torch.randn(width, dim, generator=generator)

    def __call__(self, contexts_PMW: torch.Tensor) -> torch.Tensor:
        mean_PCW = contexts_PMW.mean(dim=-2)
        if contexts_PMW.dim() == 3:
            mean_PCW = mean_PCW[:, None]
        gate_PCD = 1 + torch.tanh(mean_PCW @ self.gate_WD)
        return torch.nn.functional.normalize(
            self.class_CD * gate_PCD + mean_PCW @ self.turn_WD, dim=-1
        )
