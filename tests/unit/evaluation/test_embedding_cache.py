import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from poolscore.encoder.encoder import Encoder
from poolscore.encoder.load import load_encoder
from poolscore.encoder.spec import EncoderSpec
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


def test_a_changed_file_is_embedded_anew(encoder: Encoder, images: list[Path], tmp_path: Path):
    cache, seen = tmp_path / "features.npz", list[int]()

    def show(done: int, total: int) -> None:
        seen.append(done)

    embed_images(encoder, images[:3], cache, show)
    os.utime(images[1], (1, 1))
    embed_images(encoder, images[:3], cache, show)
    assert seen == [3, 3]
