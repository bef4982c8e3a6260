"""Which encoder a pool uses, before it is loaded."""

import os
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, field_validator

EMBEDDED_MODEL = "poolscore-lite"
Precision = Literal["auto", "fp32", "bf16"]
_WEIGHT_SUFFIXES = {".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".npz"}


class EncoderSpec(BaseModel):
    """An open_clip model by name with a pretrained tag or a local weights file."""

    model_config = ConfigDict(frozen=True)

    model: str = EMBEDDED_MODEL
    """open_clip model name; the default ships with the project and needs no network."""
    pretrained: str = ""
    """open_clip tag or path of a weights file; empty for the embedded model. A path becomes
    absolute because other processes, with other working directories, load the same encoder."""
    precision: Precision = "auto"
    """Arithmetic of the image tower; auto: bf16 where the processor computes it fast."""
    visual_tuning: str = ""
    """File of `poolscore tune` with what it learned for this image tower; empty: none. Becomes
    absolute, as a weights file does."""

    @field_validator("pretrained")
    @classmethod
    def _make_absolute(cls, value: str) -> str:
        return str(Path(value).expanduser().absolute()) if _is_path(value) else value

    @field_validator("visual_tuning")
    @classmethod
    def _make_tuning_absolute(cls, value: str) -> str:
        return str(Path(value).expanduser().absolute()) if value else value

    @property
    def weights_path(self) -> Path | None:
        """`pretrained` when it is a path rather than a tag."""
        return Path(self.pretrained) if _is_path(self.pretrained) else None


def _is_path(value: str) -> bool:
    return os.sep in value or Path(value).suffix in _WEIGHT_SUFFIXES
