"""What tuning an image tower leaves behind."""

import hashlib
from dataclasses import dataclass, field

import torch

from poolscore.encoder.spec import EncoderSpec
from poolscore.encoder.visual_tuning.config import VisualTuningConfig
from poolscore.errors import InvalidInputError


@dataclass(frozen=True)
class BaseEncoder:
    """The encoder, in fp32 and without tuning, that a tuning was learned for."""

    model: str
    pretrained: str
    """Tag or weights file, for people; the digest decides."""
    digest: str


@dataclass(frozen=True)
class VisualTuning:
    """Learned tensors and how they came about."""

    config: VisualTuningConfig
    tensors: dict[str, torch.Tensor]
    """float32 on the CPU, named as `attach` names them."""
    base: BaseEncoder
    classes: tuple[str, ...]
    """Class names it was learned with."""
    seed: int = 0
    metrics: dict[str, float] = field(default_factory=dict[str, float])

    @property
    def digest(self) -> str:
        """Hex SHA-256 over configuration and tensors: all that embeddings depend on."""
        hashed = hashlib.sha256(self.config.model_dump_json().encode())
        for name, tensor in sorted(self.tensors.items()):
            hashed.update(f"{name} {tuple(tensor.shape)}".encode())
            hashed.update(tensor.contiguous().numpy().tobytes())
        return hashed.hexdigest()


def check_base(tuning: VisualTuning, spec: EncoderSpec, digest: str) -> None:
    """Raise InvalidInputError TUNING_OTHER_ENCODER unless `digest` is that of the base.

    `digest` is the encoder's in fp32 and without tuning.
    """
    base = tuning.base
    if digest == base.digest:
        return
    made_for = " ".join(filter(None, ("--encoder", base.model, _pretrained(base.pretrained))))
    raise InvalidInputError(
        f"The tuning '{spec.visual_tuning}' was made for another encoder ({base.model}, digest "
        f"{base.digest[:12]}) than {spec.model} with digest {digest[:12]}: give {made_for}, or "
        "make a tuning for this encoder with 'poolscore tune'",
        reason="TUNING_OTHER_ENCODER",
        expected=base.digest,
        actual=digest,
    )


def _pretrained(pretrained: str) -> str:
    return f"--pretrained {pretrained}" if pretrained else ""
