"""Every hyper-parameter of the dual-prompt learner.

Flags: [A] stated by the paper (arXiv 2602.04340), [B] from the public code of its ancestor DeFT
(github.com/HotanLee/DeFT), [C] chosen here, by experiments on photographs outside the project.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class DualPromptConfig(BaseModel):
    """How positive and negative prompts are learned; one set of values for all pools."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    context_length: int = Field(default=16, ge=1)
    """M, learned vectors of each prompt [A: 16]."""
