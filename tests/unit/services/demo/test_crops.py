import numpy as np
import pytest
from PIL import Image

from services.demo.crops import SIDE, crop, quality, window
from services.demo.subjects import photograph


def draw(seed: int) -> Image.Image:
    return crop(photograph("cat"), np.random.default_rng(seed))


def test_a_seed_gives_the_same_pixels_and_another_seed_others():
    assert draw(1).tobytes() == draw(1).tobytes()
    assert draw(1).tobytes() != draw(2).tobytes()


def test_crops_fit_the_pool():
    for seed in range(40):
        image = draw(seed)
        assert image.mode == "RGB"
        assert 96 <= min(image.size) <= max(image.size) <= SIDE


@pytest.mark.parametrize("size", [(512, 512), (300, 451), (1411, 1411)])
def test_a_turned_crop_has_no_empty_corner(size: tuple[int, int]):
    white = Image.new("RGB", size, "white")
    for seed in range(150):
        pixels = np.asarray(window(white, np.random.default_rng(seed)))
        assert pixels.min() == 255, seed


def test_crops_are_turned():
    stripes = np.tile(np.arange(512)[:, None] // 16 % 2 * 255, (1, 512)).astype(np.uint8)
    picture = Image.fromarray(stripes).convert("RGB")
    drawn = [np.asarray(window(picture, np.random.default_rng(seed)))[0] for seed in range(20)]
    assert sum(np.ptp(row) > 200 for row in drawn) > 10


def test_crops_differ_in_light_and_detail():
    greys = [np.asarray(draw(seed).convert("L"), dtype=np.float64) for seed in range(60)]
    light = [grey.mean() for grey in greys]
    detail = [np.abs(np.diff(grey, axis=1)).mean() for grey in greys]
    assert max(light) > 2 * min(light)
    assert max(detail) > 5 * min(detail)


def test_every_tenth_quality_is_poor():
    rng = np.random.default_rng(0)
    drawn = np.array([quality(rng) for _ in range(2000)])
    assert 6 <= drawn.min() <= drawn.max() <= 92
    assert 0.07 < (drawn < 20).mean() < 0.13
