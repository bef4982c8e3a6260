"""Every hyper-parameter of tuning an image tower.

Flags: [A] stated by the paper named beside it, [B] from the public code of HotanLee/DeFT, ancestor
of arXiv 2602.04340, or of IntelLabs/C_PEAL (arXiv 2507.21521), [C] chosen here.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Projection = Literal["q", "k", "v"]


class VptConfig(BaseModel):
    """Deep visual prompt tuning (arXiv 2203.12119)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: Literal["vpt"] = "vpt"
    tokens: int = Field(default=20, ge=1)
    """n, prompt tokens of each layer [A: 20 in arXiv 2602.04340; B: 20 a layer]."""
    learning_rate: float = Field(default=1e-3, gt=0)
    """Of the optimiser that `DualPromptConfig` names [B: 0.03, of SGD; C for AdamW]."""
    weight_decay: float = Field(default=5e-4, ge=0)
    """[B: DeFT, 5e-4]."""


class LoraConfig(BaseModel):
    """Low-rank adaptation of the attention's input projections (arXiv 2106.09685)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: Literal["lora"] = "lora"
    projections: tuple[Projection, ...] = Field(default=("q", "k", "v"), min_length=1)
    """Which projections are adapted [B: q, k and v in C-PEAL, q and v in DeFT]."""
    rank: int = Field(default=4, ge=1)
    """R [B: C-PEAL, 4]."""
    alpha: float = Field(default=4.0, gt=0)
    """What is learned counts alpha / rank times [B: 4 in C-PEAL, 1 in DeFT]."""
    dropout: float = Field(default=0.25, ge=0, lt=1)
    """Share of the low-rank path's inputs that a training step leaves out [B: C-PEAL, 0.25]."""
    learning_rate: float = Field(default=2e-4, gt=0)
    """Of the optimiser that `DualPromptConfig` names [B: 0.002 and 0.03, of SGD; C for AdamW]."""
    weight_decay: float = Field(default=5e-4, ge=0)
    """[B: DeFT, 5e-4]."""

    @property
    def scale(self) -> float:
        """Alpha / rank."""
        return self.alpha / self.rank


VisualTuningConfig = Annotated[VptConfig | LoraConfig, Field(discriminator="method")]
