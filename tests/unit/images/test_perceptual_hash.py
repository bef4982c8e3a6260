import io

import numpy as np
import pytest
from PIL import Image, ImageEnhance
from skimage import data

from poolscore.images.perceptual_hash import BYTES, perceptual_hash


@pytest.fixture(scope="module")
def photograph() -> Image.Image:
    return Image.fromarray(data.astronaut())


def differing(one: Image.Image, other: Image.Image) -> tuple[int, int]:
    words = [np.frombuffer(perceptual_hash(each), np.uint64) for each in (one, other)]
    structure, gradients = np.bitwise_count(words[0] ^ words[1]).tolist()
    return structure, gradients


def recompressed(image: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def test_copies_have_like_hashes(photograph: Image.Image) -> None:
    width, height = photograph.size
    smaller = photograph.resize((width * 8 // 10, height * 8 // 10))
    for copy in (
        recompressed(photograph, 60),
        smaller,
        recompressed(photograph.resize((width // 2, height // 2)), 60),
        ImageEnhance.Brightness(photograph).enhance(1.15),
    ):
        assert max(differing(photograph, copy)) <= 4


def test_other_photographs_have_others(photograph: Image.Image) -> None:
    for other in (data.cat(), data.coffee(), data.rocket()):
        assert min(differing(photograph, Image.fromarray(other))) > 10


def test_any_picture_has_a_hash() -> None:
    for size in ((1, 1), (3, 900), (4000, 2)):
        assert len(perceptual_hash(Image.new("RGB", size, "white"))) == BYTES
    grey = Image.new("RGB", (50, 50), "grey")
    assert perceptual_hash(grey) == perceptual_hash(grey)
