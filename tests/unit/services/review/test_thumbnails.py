import io
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from pipelines.sources.roots import ANYWHERE
from poolscore.images.reject import Reject
from services.review.thumbnails import MOST_BYTES, SIDE, thumbnail
from tests.photographs import write_broken, write_photographs


def size(path: Path) -> tuple[int, int]:
    file = thumbnail(path.as_uri(), ANYWHERE)
    assert isinstance(file, bytes)
    with Image.open(io.BytesIO(file)) as image:
        assert (image.format, image.mode) == ("JPEG", "RGB")
        return image.size


def test_noise_is_bounded_in_bytes(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (3000, 3000, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    # Scaled down, noise would be grey: at this size it stays.
    Image.fromarray(noise[:SIDE, :SIDE]).save(tmp_path / "small.png")
    for name in ("noise.png", "small.png"):
        file = thumbnail((tmp_path / name).as_uri(), ANYWHERE)
        assert isinstance(file, bytes)
        assert len(file) <= MOST_BYTES


def test_a_photograph_is_upright_and_not_enlarged(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    Image.new("RGB", (1024, 256)).save(tmp_path / "turned.jpg", exif=exif)
    assert size(tmp_path / "turned.jpg") == (SIDE // 4, SIDE)
    (small,) = write_photographs(tmp_path / "photos", 1)
    with Image.open(small) as image:
        assert size(small) == image.size


def test_what_is_broken_has_a_reason(tmp_path: Path) -> None:
    for name, reason in write_broken(tmp_path).items():
        found = thumbnail((tmp_path / name).as_uri(), ANYWHERE)
        assert isinstance(found, Reject)
        assert found.reason == reason


@pytest.mark.parametrize("uri", ["", "/etc/passwd", "http://127.0.0.1:1/a.jpg", "file:///dev/zero"])
def test_what_is_no_file_is_not_read(uri: str) -> None:
    assert isinstance(thumbnail(uri, ANYWHERE), Reject)
