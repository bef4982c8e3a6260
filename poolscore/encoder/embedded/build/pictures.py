"""Made-up pictures for distillation, from free photographs and from noise."""

from __future__ import annotations

import math

import numpy as np
import torch
from open_clip.constants import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
from torch import Tensor
from torch.nn import functional

SIDE = 224


def normalise(pictures: Tensor) -> Tensor:
    """open_clip's default mean and standard deviation, for (n, 3, height, width) in 0..1."""
    mean, std = torch.tensor(OPENAI_DATASET_MEAN), torch.tensor(OPENAI_DATASET_STD)
    return (pictures - mean[:, None, None]) / std[:, None, None]


def _resize(x: Tensor, height: int, width: int) -> Tensor:
    out = functional.interpolate(x[None], (height, width), mode="bicubic", antialias=True)
    return out[0].clamp(0, 1)


class PictureMaker:
    """Draws pictures (3, 224, 224) in 0..1; the same seed gives the same pictures."""

    def __init__(self, photos: list[tuple[Tensor, float]], seed: int) -> None:
        """``photos`` are (3, height, width) in 0..1, each with its weight."""
        self._photos = [photo for photo, _ in photos]
        self._rng = np.random.default_rng(seed)
        odds = np.array([weight for _, weight in photos])
        self._odds = odds / odds.sum()

    def _uniform(self, low: float, high: float) -> float:
        return float(self._rng.uniform(low, high))

    def _gaussian(self, *shape: int) -> Tensor:
        return torch.from_numpy(self._rng.standard_normal(shape, dtype=np.float32))

    def crop(self) -> Tensor:
        """A random cut of a random photograph, at any scale, recoloured."""
        photo = self._photos[int(self._rng.choice(len(self._photos), p=self._odds))]
        _, height, width = photo.shape
        area = math.exp(self._uniform(math.log(0.06), 0.0)) * height * width
        ratio = math.exp(self._uniform(math.log(0.7), math.log(1.4)))
        cut_h = min(height, max(32, round(math.sqrt(area / ratio))))
        cut_w = min(width, max(32, round(math.sqrt(area * ratio))))
        top = int(self._rng.integers(height - cut_h + 1))
        left = int(self._rng.integers(width - cut_w + 1))
        cut = _resize(photo[:, top : top + cut_h, left : left + cut_w], SIDE, SIDE)
        if self._rng.random() < 0.5:
            cut = cut.flip(2)
        if self._rng.random() < 0.25:
            cut = torch.rot90(cut, int(self._rng.integers(1, 4)), (1, 2))
        return self._recolour(cut)

    def _recolour(self, x: Tensor) -> Tensor:
        strength = float(self._rng.choice([0.05, 0.25, 0.8], p=[0.45, 0.35, 0.2]))
        mixing = torch.eye(3) + strength * self._gaussian(3, 3) * 0.6
        x = torch.einsum("ij,jhw->ihw", mixing, x - 0.5) * math.exp(self._uniform(-0.35, 0.35))
        return (x + 0.5 + 0.25 * strength * self._gaussian(3, 1, 1)).clamp(0, 1)

    def texture(self) -> Tensor:
        """Coloured noise with a random spectrum and direction."""
        frequency = torch.fft.fftfreq(SIDE)
        fy, fx = frequency[:, None], torch.fft.rfftfreq(SIDE)[None]
        angle, stretch = self._uniform(0, math.pi), math.exp(self._uniform(-1.2, 1.2))
        along = fx * math.cos(angle) + fy * math.sin(angle)
        across = (fy * math.cos(angle) - fx * math.sin(angle)) * stretch
        radius = (along**2 + across**2).sqrt().clamp_min(1 / SIDE)
        spectrum = torch.fft.rfft2(self._gaussian(3, SIDE, SIDE)) * radius ** -self._uniform(
            0.6, 2.2
        )
        noise = torch.fft.irfft2(spectrum, s=(SIDE, SIDE))
        noise = (noise - noise.mean()) / noise.std()
        shared = noise.mean(0, keepdim=True)
        noise = shared + self._uniform(0, 1) * (noise - shared)
        if self._rng.random() < 0.3:
            noise = torch.tanh(noise * self._uniform(1, 8))
        level = 0.5 + 0.25 * self._gaussian(3, 1, 1)
        return (level + self._uniform(0.05, 0.3) * noise).clamp(0, 1)

    def plain(self) -> Tensor:
        """One colour, often white, with a soft gradient."""
        white = self._rng.random() < 0.4
        colour = torch.full((3, 1, 1), self._uniform(0.85, 1)) if white else self._gaussian(3, 1, 1)
        colour = colour if white else 0.5 + 0.3 * colour
        slope = torch.linspace(-1, 1, SIDE) * self._uniform(-0.15, 0.15)
        return (colour + slope[None, :, None] + torch.zeros(3, SIDE, SIDE)).clamp(0, 1)

    def _mask(self) -> Tensor:
        grid = torch.linspace(-1, 1, SIDE)
        cx, cy = self._uniform(-0.5, 0.5), self._uniform(-0.5, 0.5)
        dx, dy = grid[None, :] - cx, grid[:, None] - cy
        angle = torch.atan2(dy, dx)
        # A closed outline: a radius that varies with the angle in a few waves.
        outline = torch.full_like(angle, self._uniform(0.25, 0.9))
        for wave in range(1, 6):
            size = self._uniform(0, 0.3) / wave
            outline = outline + size * torch.cos(wave * angle + self._uniform(0, 2 * math.pi))
        stretch = math.exp(self._uniform(-0.6, 0.6))
        inside = outline - (dx**2 * stretch + dy**2 / stretch).sqrt()
        return (inside * SIDE / self._uniform(2, 12)).sigmoid()[None]

    def scene(self) -> Tensor:
        """One to four shapes filled with cuts or noise on a background."""
        makers, odds = (self.crop, self.texture, self.plain), [0.5, 0.2, 0.3]
        x = makers[int(self._rng.choice(3, p=odds))]()
        for _ in range(int(self._rng.integers(1, 5))):
            fill = makers[int(self._rng.choice(3, p=[0.7, 0.2, 0.1]))]()
            shade = 1 - 0.4 * torch.linspace(0, 1, SIDE)[None, :, None] * self._uniform(0, 1)
            mask = self._mask()
            x = x * (1 - mask) + fill * shade * mask
        return x

    def tiles(self) -> Tensor:
        """Several cuts side by side."""
        rows, columns = int(self._rng.integers(1, 4)), int(self._rng.integers(1, 4))
        lines = [
            torch.cat([_resize(self.crop(), SIDE, SIDE) for _ in range(columns)], 2)
            for _ in range(rows)
        ]
        return _resize(torch.cat(lines, 1), SIDE, SIDE)

    def picture(self) -> Tensor:
        """Any of the above, sometimes coarse or grey."""
        makers = (self.crop, self.scene, self.tiles, self.texture)
        x = makers[int(self._rng.choice(4, p=[0.45, 0.37, 0.12, 0.06]))]()
        if self._rng.random() < 0.1:
            side = int(self._rng.choice([32, 48, 64, 96]))
            x = _resize(_resize(x, side, side), SIDE, SIDE)
        if self._rng.random() < 0.05:
            x = x.mean(0, keepdim=True).expand(3, -1, -1)
        return x
