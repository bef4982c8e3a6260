import base64
import io
from pathlib import Path

import pytest
from PIL import Image
from skimage import data

from services.report.thumbnails import SIDE, thumbnails
from tests.photographs import write_broken


def shown(path: Path) -> Image.Image:
    (address,) = thumbnails([path.as_uri()])
    assert address is not None
    kind, _, content = address.partition(",")
    assert kind == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(content)))


def test_keeps_the_shape_within_the_side(tmp_path: Path) -> None:
    Image.fromarray(data.coffee()).save(tmp_path / "wide.png")
    picture = shown(tmp_path / "wide.png")
    assert picture.size == (SIDE, round(SIDE * 400 / 600))
    assert picture.mode == "RGB"


def test_a_small_picture_is_not_enlarged(tmp_path: Path) -> None:
    Image.new("RGB", (20, 10), "red").save(tmp_path / "small.png")
    assert shown(tmp_path / "small.png").size == (20, 10)


def test_a_turned_picture_is_upright(tmp_path: Path) -> None:
    turned = Image.new("RGB", (40, 20), "black")
    turned.paste("white", (0, 0, 20, 20))
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: left of the file is the top of the picture
    turned.save(tmp_path / "turned.jpg", exif=exif, quality=95)
    picture = shown(tmp_path / "turned.jpg").convert("L")
    assert picture.size == (20, 40)
    top, bottom = picture.resize((1, 2), Image.Resampling.BOX).tobytes()
    assert top > 200
    assert bottom < 60


@pytest.mark.parametrize(
    "name", ["empty.jpg", "cut.jpg", "text.jpg", "ribbon.png", "bomb.png", "dangling.jpg"]
)
def test_what_cannot_be_shown_is_none(tmp_path: Path, name: str) -> None:
    assert name in write_broken(tmp_path)
    assert list(thumbnails([(tmp_path / name).as_uri()])) == [None]


def test_an_address_that_is_no_file_is_none(tmp_path: Path) -> None:
    nowhere = [tmp_path.as_uri(), "file:///bad%00name", "/no/scheme.jpg", "gone://bucket/a.jpg"]
    assert list(thumbnails(nowhere)) == [None] * 4
