"""Text features of learned contexts: what every path through a text tower offers.

Shapes: P prompts, C classes, M learned context vectors, W token width, D embedding width.
Contexts are (P, M, W) where all classes share them, (P, C, M, W) where each class has its own.
A prompt's text is [SOS][context_1]..[context_M][class name]["."][EOS].
"""

from typing import Protocol

import torch


class PromptTextEncoder(Protocol):
    """A frozen text tower bound to class names."""

    @property
    def width(self) -> int:
        """W, the size of a token vector."""
        ...

    @property
    def num_contexts(self) -> int:
        """M."""
        ...

    @property
    def num_classes(self) -> int:
        """C."""
        ...

    def __call__(self, contexts_PMW: torch.Tensor, /) -> torch.Tensor:
        """L2-normalised features (P, C, D), differentiable in the contexts and in nothing else."""
        ...
