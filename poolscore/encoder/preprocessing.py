"""From a photograph to the pixels an encoder takes, without loading the encoder.

Decode tasks carry its geometry instead of a model. It stops at 8-bit pixels, where open_clip's own
transform still is: the encoder normalises them on its device, and four times fewer bytes travel.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from open_clip.pretrained import get_pretrained_cfg
from open_clip.transform import PreprocessCfg, merge_preprocess_dict
from PIL import Image

from poolscore.encoder.architecture import model_config, pretrained_config, pretrained_tags
from poolscore.encoder.geometry import Geometry
from poolscore.encoder.spec import EncoderSpec


@dataclass(frozen=True)
class Preprocessing:
    """open_clip's evaluation transform up to, and the numbers of, its final normalisation."""

    size: tuple[int, int]
    """Height and width in pixels."""
    mean: tuple[float, float, float]
    """Per channel, for pixels in [0, 1]."""
    std: tuple[float, float, float]
    interpolation: Literal["bicubic", "bilinear", "random"]
    resize_mode: Literal["shortest", "longest", "squash"]
    fill_color: int = 0
    """Padding of `longest`."""

    @property
    def geometry(self) -> Geometry:
        """The part before normalisation; workers that only decode carry this one."""
        return Geometry(self.size, self.interpolation, self.resize_mode, self.fill_color)

    def __call__(self, image: Image.Image) -> npt.NDArray[np.uint8]:
        """Resize and crop: an image of any mode -> contiguous (3, height, width), 0..255."""
        return self.geometry(image)

    def normalize(self, pixels_N3HW: torch.Tensor) -> torch.Tensor:
        """8-bit pixels -> float32 as the image tower was trained on, on the same device."""
        shape = (1, 3, 1, 1)
        mean = torch.tensor(self.mean, device=pixels_N3HW.device).view(shape) * 255
        std = torch.tensor(self.std, device=pixels_N3HW.device).view(shape) * 255
        return pixels_N3HW.float().sub_(mean).div_(std)


def load_preprocessing(spec: EncoderSpec) -> Preprocessing:
    """The preprocessing of `spec`'s image tower; reads no weights and needs no network."""
    image_size = model_config(spec)["vision_cfg"].get("image_size", 224)
    height, width = (image_size, image_size) if isinstance(image_size, int) else image_size
    config = merge_preprocess_dict(PreprocessCfg(), _trained_with(spec))
    return Preprocessing(
        size=(height, width),
        mean=tuple(config["mean"]),
        std=tuple(config["std"]),
        interpolation=config["interpolation"],
        resize_mode=config["resize_mode"],
        fill_color=config["fill_color"],
    )


def _trained_with(spec: EncoderSpec) -> dict[str, Any]:
    """Preprocessing published with the tag.

    A file carries none. When all tags of its model agree, the file gets theirs: it is most likely
    one of them (SigLIP's mean is 0.5 and open_clip would give a file CLIP's).
    """
    if spec.weights_path is None:
        return pretrained_config(spec)
    keys = ("mean", "std", "interpolation", "resize_mode")
    published = [get_pretrained_cfg(spec.model, tag) for tag in pretrained_tags(spec.model)]
    chosen = [{key: entry.get(key) for key in keys} for entry in published]
    return chosen[0] if chosen and all(entry == chosen[0] for entry in chosen) else {}
