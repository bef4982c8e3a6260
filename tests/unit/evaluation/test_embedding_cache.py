import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from poolscore.encoder.encoder import Encoder
from poolscore.encoder.load import load_encoder
from poolscore.encoder.spec import EncoderSpec
from poolscore.errors import InvalidInputError
from poolscore.evaluation.embedding_cache import embed_images


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return load_encoder(EncoderSpec())


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    rng = np.random.default_rng(0)
    paths = [tmp_path / f"{number:03d}.png" for number in range(70)]
    for path in paths:
        Image.fromarray(rng.integers(0, 255, (8, 8, 3), np.uint8)).save(path)
    return paths


def test_a_stopped_call_is_gone_on_with(encoder: Encoder, images: list[Path], tmp_path: Path):
    cache, seen = tmp_path / "cache" / "features.npz", list[int]()

    def stop(done: int, total: int) -> None:
        assert total == 70
        seen.append(done)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embed_images(encoder, images, cache, stop)
    features = embed_images(encoder, images, cache, lambda done, _: seen.append(done))
    assert seen == [64, 70]
    expected = encoder.encode_images(
        np.stack([encoder.preprocess(Image.open(path)) for path in images[64:]])
    )
    np.testing.assert_array_equal(features[64:], expected)
    np.testing.assert_array_equal(embed_images(encoder, images, cache, stop), features)


def test_only_what_changed_is_embedded_anew(encoder: Encoder, images: list[Path], tmp_path: Path):
    cache, seen = tmp_path / "features.npz", list[tuple[int, int]]()

    def show(done: int, total: int) -> None:
        seen.append((done, total))

    first = embed_images(encoder, images[:3], cache, show)
    os.utime(images[1], (1, 1))
    again = embed_images(encoder, [images[2], images[1], images[0], images[3]], cache, show)
    assert seen == [(3, 3), (4, 4)]
    np.testing.assert_array_equal(again[[2, 1, 0]], first)
    with np.load(cache) as kept:
        assert len(kept["keys"]) == 5


def test_broken_images_are_named_when_all_others_are_embedded(
    encoder: Encoder, images: list[Path], tmp_path: Path
):
    cache, seen = tmp_path / "features.npz", list[int]()
    for number in range(7):
        images[number].write_bytes(b"\xff\xd8\xff")
    with pytest.raises(InvalidInputError) as raised:
        embed_images(encoder, images, cache, lambda done, _: seen.append(done))
    assert raised.value.reason == "IMAGE_BROKEN"
    assert raised.value.message.count("cannot be used") == 5
    assert str(images[0]) in raised.value.message
    assert "and 2 more" in raised.value.message
    whole = images[7:]
    assert embed_images(encoder, whole, cache, lambda *_: seen.append(-1)).shape[0] == 63
    assert -1 not in seen


def test_a_cache_that_is_none_is_said(encoder: Encoder, images: list[Path], tmp_path: Path):
    cache = tmp_path / "features.npz"
    cache.write_bytes(b"PK\x03\x04 no zip")
    with pytest.raises(InvalidInputError) as raised:
        embed_images(encoder, images[:1], cache, lambda *_: None)
    assert raised.value.reason == "CACHE_INVALID"
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInputError) as raised:
        embed_images(encoder, images[:1], tmp_path / "file" / "f.npz", lambda *_: None)
    assert raised.value.reason == "CACHE_INVALID"
