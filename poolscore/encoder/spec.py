"""Which encoder a pool uses, before it is loaded."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

EMBEDDED_MODEL = "poolscore-lite"
Precision = Literal["auto", "fp32", "bf16"]


class EncoderSpec(BaseModel):
    """An open_clip model by name with a pretrained tag or a local weights file."""

    model_config = ConfigDict(frozen=True)

    model: str = EMBEDDED_MODEL
    """open_clip model name; the default ships with the project and needs no network."""
    pretrained: str = ""
    """open_clip tag or path of a weights file; empty for the embedded model."""
    precision: Precision = "auto"
    """Arithmetic of the image tower; auto: bf16 where the processor computes it fast."""
