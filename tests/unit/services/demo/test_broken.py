from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from poolscore.images.decode import Picture, decode
from poolscore.images.reject import Reject, RejectReason
from services.demo.broken import write_broken, write_unusual
from services.demo.subjects import photograph


def test_every_broken_file_is_refused_for_its_own_reason(tmp_path: Path):
    write_broken(tmp_path)
    reasons: dict[str, RejectReason] = {}
    for path in tmp_path.iterdir():
        outcome = decode(path.read_bytes())
        assert isinstance(outcome, Reject), path
        reasons[path.name] = outcome.reason
    assert reasons == {
        "broken-bomb.png": RejectReason.DECOMPRESSION_BOMB,
        "broken-empty.jpg": RejectReason.EMPTY,
        "broken-ribbon.png": RejectReason.BAD_ASPECT,
        "broken-text.jpg": RejectReason.NOT_AN_IMAGE,
        "broken-truncated.jpg": RejectReason.TRUNCATED,
    }


def test_every_unusual_file_shows_its_photograph(tmp_path: Path):
    labels = write_unusual(tmp_path)
    assert set(labels) == {path.name for path in tmp_path.iterdir()}
    for name, label in labels.items():
        outcome = decode((tmp_path / name).read_bytes())
        assert isinstance(outcome, Picture), name
        original = photograph(label)
        assert outcome.image.size == original.size
        assert correlation(outcome.image, original) > 0.95, name


def test_the_turned_file_is_stored_turned(tmp_path: Path):
    write_unusual(tmp_path)
    with Image.open(tmp_path / "unusual-turned.jpg") as stored:
        assert correlation(stored.convert("RGB"), photograph("astronaut")) < 0.5
    with Image.open(tmp_path / "unusual-16-bit.png") as stored:
        assert stored.mode == "I;16"


def correlation(one: Image.Image, other: Image.Image) -> float:
    first, second = (np.asarray(image.convert("L"), np.float64).ravel() for image in (one, other))
    return float(np.corrcoef(first, second).ravel()[1])


@pytest.mark.parametrize("name", ["broken-bomb.png"])
def test_the_bomb_is_small_on_disk(tmp_path: Path, name: str):
    write_broken(tmp_path)
    assert (tmp_path / name).stat().st_size < 1000
