"""A loaded open_clip model: pixels and texts to L2-normalised features.

Shapes: N images, C classes, D embedding width, S image size in pixels.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import nn
from torch.nn.functional import normalize

from poolscore.encoder.class_specific import ClassSpecificPromptText
from poolscore.encoder.class_tokens import Tokenizer
from poolscore.encoder.plain import PlainPromptText
from poolscore.encoder.preprocessing import Preprocessing
from poolscore.encoder.prompt_text import PromptTextEncoder
from poolscore.encoder.shared_prefix import SharedPrefixPromptText, shares_prefix
from poolscore.encoder.spec import EncoderSpec
from poolscore.errors import InvalidInputError

TEXT_BATCH = 256


class Encoder:
    """Image tower in the resolved precision, text tower in float32, both frozen."""

    def __init__(
        self,
        spec: EncoderSpec,
        model: nn.Module,
        tokenizer: Tokenizer,
        preprocessing: Preprocessing,
        digest: str,
        precision: str,
    ) -> None:
        """Use `load_encoder` instead; `model` is frozen, in evaluation mode, on its device."""
        self.spec = spec
        self.preprocessing = preprocessing
        self.digest = digest
        self.precision = precision
        self._model: Any = model
        self._tokenizer = tokenizer
        self._dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        self._layout = (
            torch.channels_last if is_convolutional(self._model.visual) else torch.contiguous_format
        )
        self.device: torch.device = self._model.logit_scale.device
        self.scale = float(self._model.logit_scale.exp())
        self.dim = int(self.encode_texts(["a"]).shape[1])

    @property
    def image_size(self) -> int:
        """S, the shorter side of what the image tower takes."""
        return min(self.preprocessing.size)

    def preprocess(self, image: Image.Image) -> npt.NDArray[np.uint8]:
        """One photograph -> (3, S, S) 8-bit pixels for `encode_images`."""
        return self.preprocessing(image)

    @property
    def image_tower(self) -> nn.Module:
        """What `image_features` runs."""
        return self._model.visual

    @torch.inference_mode()
    def encode_images(
        self, pixels_N3SS: npt.NDArray[np.uint8] | torch.Tensor
    ) -> npt.NDArray[np.float16]:
        """8-bit pixels from `preprocess` -> contiguous (N, D) L2-normalised float16."""
        features_ND = self.image_features(torch.as_tensor(pixels_N3SS))
        return np.ascontiguousarray(features_ND.half().cpu().numpy())

    def image_features(self, pixels: torch.Tensor) -> torch.Tensor:
        """8-bit pixels (N, 3, S, S) -> (N, D) L2-normalised float32 on the encoder's device.

        Differentiable in what is attached to the image tower and asks for gradients.
        """
        if pixels.dtype != torch.uint8:
            raise TypeError(f"pixels must be 8-bit as `preprocess` makes them, not {pixels.dtype}")
        normalized = self.preprocessing.normalize(pixels.to(self.device, non_blocking=True))
        # In two steps: converting type and layout at once takes twice as long on a CPU.
        inputs = normalized.to(self._dtype).contiguous(memory_format=self._layout)
        return normalize(self._model.encode_image(inputs).float(), dim=-1)

    @torch.no_grad()
    def encode_texts(self, texts: Sequence[str]) -> torch.Tensor:
        """Texts -> (len(texts), D) L2-normalised float32 on the CPU."""
        parts: list[torch.Tensor] = []
        for start in range(0, len(texts), TEXT_BATCH):
            ids = self._tokenizer(list(texts[start : start + TEXT_BATCH])).to(self.device)
            parts.append(self._model.encode_text(ids, normalize=True).float().cpu())
        return torch.cat(parts)

    def zero_shot(self, classes: Sequence[str], template: str) -> torch.Tensor:
        """Features (C, D) of `template` with each class name in its '{}'; '_' becomes a blank."""
        if template.count("{}") != 1:
            raise InvalidInputError(
                f"The template '{template}' must contain '{{}}' exactly once, where the class name "
                "goes, as in 'a photo of a {}.'",
                reason="INVALID_TEMPLATE",
            )
        names = [name.replace("_", " ").strip() for name in classes]
        return self.encode_texts([template.replace("{}", name) for name in names])

    def prompt_encoder(
        self, classes: Sequence[str], context_length: int, class_specific: bool = False
    ) -> PromptTextEncoder:
        """Bind the text tower to class names for M = `context_length` learned vectors.

        `class_specific`: every class has its own, (P, C, M, W), instead of all the same, (P, M, W).
        """
        path = PlainPromptText
        if shares_prefix(self._model):
            path = ClassSpecificPromptText if class_specific else SharedPrefixPromptText
        return path(self._model, self._tokenizer, classes, context_length)


def is_convolutional(tower: nn.Module) -> bool:
    """Whether a tower convolves throughout; a transformer has one convolution, for its patches."""
    return sum(isinstance(module, nn.Conv2d) for module in tower.modules()) > 1
