"""From a pretrained tag or path to a weights file on this machine, without long waits."""

import urllib.error
import urllib.request
from pathlib import Path

import huggingface_hub
import open_clip
from huggingface_hub import constants

from poolscore.encoder.architecture import EMBEDDED_WEIGHTS, pretrained_config, pretrained_tags
from poolscore.encoder.spec import EMBEDDED_MODEL, EncoderSpec
from poolscore.errors import InvalidInputError, PoolscoreError, UnavailableError

HUB_TIMEOUT_S = 5.0
"""How long to wait for the hub's first answer. Its own client retries for a minute."""

_DEFAULT_FILES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")


def weights_file(spec: EncoderSpec) -> Path:
    """Weights of `spec`: the embedded file, the given path, or the tag's file from cache or hub.

    Raises InvalidInputError or UnavailableError with reason ENCODER_UNAVAILABLE.
    """
    path = spec.weights_path
    if path is None and not spec.pretrained and spec.model == EMBEDDED_MODEL:
        path = EMBEDDED_WEIGHTS
    if path is not None:
        if not path.is_file():
            raise _unavailable(InvalidInputError, spec, f"the weights file {path} does not exist")
        return path
    entry = pretrained_config(spec)
    if not entry:
        raise _unknown_tag(spec)
    return _cached(str(entry["hf_hub"])) or _download(spec)


def _cached(hub_name: str) -> Path | None:
    """The tag's file if an earlier download left it here; never asks the network."""
    repository, _, name = hub_name.rpartition("/")
    alternatives = (name, f"{Path(name).stem}.safetensors") if name else _DEFAULT_FILES
    for candidate in alternatives:
        found = huggingface_hub.try_to_load_from_cache(repository, candidate)
        if isinstance(found, str):
            return Path(found)
    return None


def _download(spec: EncoderSpec) -> Path:
    problem = _hub_problem()
    if problem:
        raise _unavailable(UnavailableError, spec, problem)
    try:
        return Path(open_clip.download_pretrained(pretrained_config(spec)))
    except Exception as error:
        raise _unavailable(UnavailableError, spec, str(error)) from error


def _hub_problem() -> str:
    """Why the hub cannot be used, or an empty string."""
    if constants.HF_HUB_OFFLINE:
        return f"HF_HUB_OFFLINE forbids asking {constants.ENDPOINT}"
    try:
        request = urllib.request.Request(constants.ENDPOINT, method="HEAD")
        urllib.request.urlopen(request, timeout=HUB_TIMEOUT_S).close()
    except urllib.error.HTTPError:
        return ""  # it answered
    except OSError as error:
        return f"{constants.ENDPOINT} cannot be reached ({getattr(error, 'reason', error)})"
    return ""


def _unavailable(kind: type[PoolscoreError], spec: EncoderSpec, problem: str) -> PoolscoreError:
    what = f"tag '{spec.pretrained}'" if spec.pretrained and not spec.weights_path else "weights"
    expected = str(pretrained_config(spec).get("hf_hub", "")).rstrip("/")
    origin = f" (for example a copy of {expected} from {constants.ENDPOINT})" if expected else ""
    return kind(
        f"Cannot load the {what} of encoder '{spec.model}': {problem}. Give a weights file instead"
        f"{origin}: poolscore pool create NAME --encoder {spec.model} "
        "--pretrained /path/to/weights.safetensors ... ; or use the model that ships with "
        f"poolscore: --encoder {EMBEDDED_MODEL}",
        reason="ENCODER_UNAVAILABLE",
        model=spec.model,
        pretrained=spec.pretrained,
    )


def _unknown_tag(spec: EncoderSpec) -> InvalidInputError:
    tags = pretrained_tags(spec.model)
    listed = ", ".join(tags[:8]) + (f" and {len(tags) - 8} more" if len(tags) > 8 else "")
    given = (
        f"'{spec.pretrained}' is neither a tag of" if spec.pretrained else "No weights given for"
    )
    return InvalidInputError(
        f"{given} encoder '{spec.model}'"
        f"{' nor an existing file' if spec.pretrained else ''}. Name one of its tags "
        f"({listed or 'it has none'}) or a weights file: poolscore pool create NAME "
        f"--encoder {spec.model} --pretrained TAG_OR_FILE ...",
        reason="ENCODER_UNAVAILABLE",
        model=spec.model,
        pretrained=spec.pretrained,
    )
