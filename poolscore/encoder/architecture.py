"""What open_clip knows about a model before its weights are loaded."""

import difflib
from functools import cache
from pathlib import Path
from typing import Any

import open_clip
from open_clip.pretrained import get_pretrained_cfg

from poolscore.encoder.spec import EMBEDDED_MODEL, EncoderSpec
from poolscore.errors import InvalidInputError

EMBEDDED_FOLDER = Path(__file__).parent / "embedded"
EMBEDDED_WEIGHTS = EMBEDDED_FOLDER / f"{EMBEDDED_MODEL}.safetensors"


@cache
def _register_embedded() -> None:
    """Add the embedded model to open_clip's own registry, once a process."""
    open_clip.add_model_config(EMBEDDED_FOLDER / f"{EMBEDDED_MODEL}.json")


def model_config(spec: EncoderSpec) -> dict[str, Any]:
    """open_clip's configuration of the model, with the activation its weights were trained with.

    Raises InvalidInputError UNKNOWN_MODEL naming the closest known names.
    """
    _register_embedded()
    # With a scheme, as in `hf-hub:` and `local-dir:`, open_clip reads what the name leads to.
    known = ":" not in spec.model
    config: dict[str, Any] | None = open_clip.get_model_config(spec.model) if known else None
    if config is None:
        raise _unknown_model(spec.model)
    # open_clip only warns when weights trained with QuickGELU meet a model without it and then
    # computes wrong features ("ViT-B-32" with the tag "openai" is the usual case).
    if pretrained_config(spec).get("quick_gelu", False):
        config["quick_gelu"] = True
    return config


def pretrained_config(spec: EncoderSpec) -> dict[str, Any]:
    """open_clip's entry for the spec's tag; empty for a file or an unknown tag."""
    entry: dict[str, Any] = get_pretrained_cfg(spec.model.replace("/", "-"), spec.pretrained)
    return entry


def pretrained_tags(model: str) -> list[str]:
    """Tags under which open_clip knows weights of this model."""
    tags: list[str] = open_clip.list_pretrained_tags_by_model(model.replace("/", "-"))
    return tags


def _unknown_model(model: str) -> InvalidInputError:
    known: list[str] = open_clip.list_models()
    by_lower = {name.lower(): name for name in known}
    close = difflib.get_close_matches(model.lower(), by_lower, n=3, cutoff=0.5)
    names = ", ".join(by_lower[name] for name in close) or EMBEDDED_MODEL
    return InvalidInputError(
        f"open_clip knows no model named '{model}'; did you mean {names}? "
        f"All {len(known)} names: python -c 'import open_clip; print(open_clip.list_models())'",
        reason="UNKNOWN_MODEL",
        model=model,
        close=names,
    )
