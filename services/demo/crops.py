"""Crops that are sometimes hard: small, turned, dark, blurred, noisy, covered, badly compressed."""

import math

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

SIDE = 256
_SMALLEST, _LARGEST = 0.18, 0.95
"""Crop side as a part of the photograph's shorter side."""


def crop(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Draw one crop of `picture`, at most `SIDE` pixels wide; the harder it is, the rarer."""
    image = window(picture, rng)
    hardness = rng.beta(1.2, 1.8)
    image = ImageEnhance.Brightness(image).enhance(float(np.exp(rng.normal(0, 0.5 * hardness))))
    image = ImageEnhance.Contrast(image).enhance(float(np.exp(rng.normal(0, 0.4 * hardness))))
    if rng.random() < 0.35:
        # Half of the photographs are grey by nature: colour must not give the class away.
        image = image.convert("L").convert("RGB")
    if rng.random() < hardness:
        image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0, 5 * hardness))))
    if rng.random() < 0.5 * hardness:
        _cover(image, rng)
    return _noisy(image, rng.uniform(0, 45 * hardness), rng)


def quality(rng: np.random.Generator) -> int:
    """Draw a JPEG quality; every tenth image is compressed beyond recognition of detail."""
    return int(rng.integers(6, 20)) if rng.random() < 0.1 else int(rng.integers(40, 93))


def window(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Draw a square of `picture`, turned by any angle and scaled; all of it shows the picture."""
    shorter = min(picture.size)
    side = shorter * rng.uniform(_SMALLEST, _LARGEST)
    angle = float(rng.normal(0, 12)) + 90 * int(rng.integers(0, 4)) * (rng.random() < 0.3)
    # The upright square around the turned one; it must lie inside the picture.
    spread = abs(math.cos(math.radians(angle))) + abs(math.sin(math.radians(angle)))
    around = int(min(side * spread, shorter))
    left = int(rng.integers(0, picture.width - around + 1))
    top = int(rng.integers(0, picture.height - around + 1))
    size = min(SIDE, max(int(around / spread), 96))
    scaled = math.ceil(size * spread) + 2  # the edge of a turned image is not sharp
    image = picture.crop((left, top, left + around, top + around))
    image = image.resize((scaled, scaled), Image.Resampling.BILINEAR)
    image = image.rotate(angle, Image.Resampling.BILINEAR)
    margin = (scaled - size) // 2
    image = image.crop((margin, margin, margin + size, margin + size))
    if rng.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return image


def _cover(image: Image.Image, rng: np.random.Generator) -> None:
    width, height = (int(side * rng.uniform(0.2, 0.6)) for side in image.size)
    left = int(rng.integers(0, image.width - width))
    top = int(rng.integers(0, image.height - height))
    red, green, blue = (int(value) for value in rng.integers(0, 256, 3))
    ImageDraw.Draw(image).rectangle((left, top, left + width, top + height), (red, green, blue))


def _noisy(image: Image.Image, strength: float, rng: np.random.Generator) -> Image.Image:
    pixels = np.asarray(image, dtype=np.float32)
    noise = rng.standard_normal(pixels.shape, dtype=np.float32) * np.float32(strength)
    return Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8))
