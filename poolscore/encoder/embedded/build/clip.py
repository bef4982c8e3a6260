"""The parts of open_clip's ``CLIP`` that the build touches, with their types."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol, cast

import open_clip
from torch import Tensor, nn

from .config import MODEL_NAME


class ClipModel(Protocol):
    """What open_clip's class offers; it declares few of its attributes itself."""

    token_embedding: nn.Embedding
    positional_embedding: nn.Parameter
    transformer: Callable[..., Tensor]
    ln_final: Callable[[Tensor], Tensor]
    text_projection: nn.Parameter
    logit_scale: nn.Parameter
    attn_mask: Tensor
    visual: nn.Module

    def train(self, mode: bool = True) -> Any:
        """Switches to training mode."""
        ...

    def eval(self) -> Any:
        """Switches to evaluation mode."""
        ...

    def named_parameters(self) -> Iterable[tuple[str, nn.Parameter]]:
        """All trained weights by name."""
        ...

    def state_dict(self) -> dict[str, Tensor]:
        """All weights by name."""
        ...

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> Any:
        """Writes weights by name."""
        ...


def empty_model(config: Path) -> ClipModel:
    """The model that ``config`` describes, with random weights, in evaluation mode."""
    open_clip.add_model_config(config)
    return cast(ClipModel, open_clip.create_model(MODEL_NAME).eval())
