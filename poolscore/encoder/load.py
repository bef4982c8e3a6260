"""Load an encoder: the embedded model and every other open_clip model by the same path."""

from pathlib import Path

import open_clip
from torch import nn

from poolscore.encoder.allocator import keep_freed_memory
from poolscore.encoder.architecture import model_config
from poolscore.encoder.class_tokens import Tokenizer
from poolscore.encoder.digest import encoder_digest, tuned_digest
from poolscore.encoder.encoder import Encoder
from poolscore.encoder.hardware import resolve_device, resolve_precision
from poolscore.encoder.preprocessing import load_preprocessing
from poolscore.encoder.spec import EncoderSpec
from poolscore.encoder.visual_tuning.artefact import load_tuning
from poolscore.encoder.visual_tuning.attach import apply_tensors
from poolscore.encoder.visual_tuning.tuning import VisualTuning, check_base
from poolscore.encoder.weights import weights_file
from poolscore.errors import InvalidInputError


def load_encoder(spec: EncoderSpec, *, device: str = "auto") -> Encoder:
    """Load, freeze and place the model of `spec`.

    Raises InvalidInputError (UNKNOWN_MODEL, ENCODER_UNAVAILABLE) for a name, tag or file that can
    never work and UnavailableError (ENCODER_UNAVAILABLE) when the hub cannot be reached; for a
    visual tuning also what `load_tuning` raises and InvalidInputError TUNING_OTHER_ENCODER.
    """
    keep_freed_memory()
    target = resolve_device(device)
    precision = resolve_precision(spec.precision, target)
    config = model_config(spec)
    preprocessing = load_preprocessing(spec)
    # A tuning that cannot be read shows before the weights are, which takes seconds.
    tuning = load_tuning(Path(spec.visual_tuning)) if spec.visual_tuning else None
    model = _create(spec, weights_file(spec), bool(config.get("quick_gelu", False)))
    if tuning is None:
        digest = encoder_digest(config, model, precision, preprocessing)
    else:
        base = encoder_digest(config, model, "fp32", preprocessing)
        digest = _tune(spec, model, tuning, base, precision)
    if precision == "bf16":
        _to_bfloat16(model.get_submodule("visual"))
    model.to(target)
    return Encoder(spec, model, _tokenizer(spec), preprocessing, digest, precision)


def _create(spec: EncoderSpec, weights: Path, quick_gelu: bool) -> nn.Module:
    """The frozen float32 model on the CPU, every weight of the file in its place."""
    try:
        model: nn.Module = open_clip.create_model(
            spec.model, pretrained=str(weights), force_quick_gelu=quick_gelu
        )
    except Exception as error:  # a wrong file fails as assertion, key, pickle or shape error
        problem = f"{weights} does not hold the weights of open_clip's '{spec.model}'"
        raise _unusable(spec, problem, error) from error
    return model.eval().requires_grad_(False)


def _tune(
    spec: EncoderSpec, model: nn.Module, tuning: VisualTuning, base: str, precision: str
) -> str:
    """Apply a tuning that was made for the encoder with digest `base`; return the new digest."""
    check_base(tuning, spec, base)
    apply_tensors(model.get_submodule("visual"), tuning.config, tuning.tensors)
    return tuned_digest(base, tuning.digest, precision)


def _tokenizer(spec: EncoderSpec) -> Tokenizer:
    """open_clip's tokenizer; some models need the transformers package and the hub for theirs."""
    try:
        return open_clip.get_tokenizer(spec.model)
    except Exception as error:
        problem = f"The tokenizer of open_clip's '{spec.model}' cannot be loaded"
        raise _unusable(spec, problem, error) from error


def _unusable(spec: EncoderSpec, problem: str, error: Exception) -> InvalidInputError:
    return InvalidInputError(
        f"{problem}: {type(error).__name__}: {str(error)[:500]}",
        reason="ENCODER_UNAVAILABLE",
        model=spec.model,
        pretrained=spec.pretrained,
    )


def _to_bfloat16(tower: nn.Module) -> None:
    """Convert in place all but batch norms: their statistics lose more than they would save."""
    for module in tower.modules():
        if isinstance(module, nn.BatchNorm2d):
            continue
        for tensor in [*module.parameters(recurse=False), *module.buffers(recurse=False)]:
            if tensor.is_floating_point():
                tensor.data = tensor.data.bfloat16()
