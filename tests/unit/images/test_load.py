from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from poolscore.errors import InvalidInputError
from poolscore.images.decode import DecodeLimits
from poolscore.images.load import load_image


def test_a_picture_is_rgb(tmp_path: Path) -> None:
    Image.fromarray(np.full((4, 6), 7, np.uint8)).save(tmp_path / "grey.png")
    image = load_image(tmp_path / "grey.png")
    assert (image.mode, image.size) == ("RGB", (6, 4))


def test_what_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "cut.jpg").write_bytes(b"\xff\xd8\xff")
    (tmp_path / "large.jpg").write_bytes(b"\xff\xd8\xff" + bytes(100))
    for name, limits, why in (
        ("missing.jpg", None, "does not exist"),
        ("", None, "is a folder"),
        ("cut.jpg", None, "cut or broken"),
        ("large.jpg", DecodeLimits(max_bytes=50), "limit 50"),
    ):
        with pytest.raises(InvalidInputError, match=why) as raised:
            load_image(tmp_path / name, limits)
        assert raised.value.reason == "IMAGE_BROKEN"
        assert raised.value.metadata["path"] == str(tmp_path / name)
