import subprocess
import sys
from typing import Any, Literal

import numpy as np
import pytest
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image

from poolscore.encoder.geometry import Geometry

Mode = Literal["shortest", "longest", "squash"]


@pytest.mark.parametrize("size", [(32, 32), (24, 40), (40, 24)])
@pytest.mark.parametrize("mode", ["shortest", "longest", "squash"])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear", "random"])
def test_pixels_are_those_of_open_clip(
    size: tuple[int, int], mode: Mode, interpolation: Literal["bicubic", "bilinear", "random"]
) -> None:
    config = PreprocessCfg(size=size, interpolation=interpolation, resize_mode=mode, fill_color=37)
    transform: Any = image_transform_v2(config, is_train=False)
    geometry = Geometry(size, interpolation, mode, 37)
    rng = np.random.default_rng(0)
    for height, width in [(32, 32), (7, 5), (100, 33), (33, 101), (31, 200), (64, 64), (250, 177)]:
        image = Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))
        expected = image
        for step in transform.transforms[:-2]:
            expected = step(expected)
        got = geometry(image)
        assert got.flags.c_contiguous
        assert np.array_equal(got, np.asarray(expected).transpose(2, 0, 1)), (height, width)


def test_it_does_not_import_torch() -> None:
    code = "import sys, poolscore.encoder.geometry; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
