"""The resize and crop of open_clip's evaluation transform, with Pillow alone.

Decode workers run this. Importing open_clip, torchvision and torch for it costs ten seconds of
processor time and a gigabyte in each of them.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps


@dataclass(frozen=True)
class Geometry:
    """From a photograph of any size to the pixels that the image tower takes."""

    size: tuple[int, int]
    """Height and width in pixels."""
    interpolation: Literal["bicubic", "bilinear", "random"]
    """`random` means bicubic outside training."""
    resize_mode: Literal["shortest", "longest", "squash"]
    fill_color: int = 0
    """Padding of `longest`."""

    def __call__(self, image: Image.Image) -> npt.NDArray[np.uint8]:
        """Resize and crop: an image of any mode -> contiguous (3, height, width), 0..255."""
        pixels_HW3 = np.asarray(self._crop(self._resize(image.convert("RGB"))))
        return np.ascontiguousarray(pixels_HW3.transpose(2, 0, 1))

    def _resize(self, image: Image.Image) -> Image.Image:
        height, width = self.size
        chosen = Image.Resampling.BICUBIC
        if self.interpolation == "bilinear":
            chosen = Image.Resampling.BILINEAR
        if self.resize_mode == "squash":
            return image.resize((width, height), chosen)
        if self.resize_mode == "longest":
            return image.resize(_scaled(image, max(self._ratios(image))), chosen)
        if height == width:
            return image.resize(_shortest_side(image, height), chosen)
        # open_clip ignores the interpolation here.
        return image.resize(_scaled(image, min(self._ratios(image))), Image.Resampling.BICUBIC)

    def _ratios(self, image: Image.Image) -> tuple[float, float]:
        return image.height / self.size[0], image.width / self.size[1]

    def _crop(self, image: Image.Image) -> Image.Image:
        """Cut the centre out, padding first where the image is too small."""
        height, width = self.size
        missing_x, missing_y = max(width - image.width, 0), max(height - image.height, 0)
        if missing_x or missing_y:
            border = (missing_x // 2, missing_y // 2, (missing_x + 1) // 2, (missing_y + 1) // 2)
            fill = self.fill_color if self.resize_mode == "longest" else 0
            image = ImageOps.expand(image, border, (fill,) * 3)
        top, left = round((image.height - height) / 2), round((image.width - width) / 2)
        return image.crop((left, top, left + width, top + height))


def _scaled(image: Image.Image, ratio: float) -> tuple[int, int]:
    return round(image.width / ratio), round(image.height / ratio)


def _shortest_side(image: Image.Image, side: int) -> tuple[int, int]:
    width, height = image.size
    if width <= height:
        return side, int(side * height / width)
    return int(side * width / height), side
