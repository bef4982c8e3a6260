from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image

from poolscore.encoder.encoder import Encoder
from poolscore.encoder.load import load_encoder
from poolscore.encoder.spec import EncoderSpec
from poolscore.errors import InvalidInputError
from poolscore.scoring.types import PromptFeatures
from poolscore.v1 import query_service_pb2 as pb
from services.demo.measure import HeldOut, doubt_of, embed_test_set
from services.demo.subjects import photograph

CLASSES = ["cat", "rocket"]


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return load_encoder(EncoderSpec())


@pytest.fixture
def images(tmp_path: Path) -> list[tuple[Path, str]]:
    for name in CLASSES:
        photograph(name).save(tmp_path / f"{name}.png")
    return [(tmp_path / f"{name}.png", name) for name in reversed(CLASSES)]


def item(uri: str, label: str, probability: float, p_clean: float) -> pb.RankedItem:
    prediction = pb.Prediction(label=label, probability=probability, p_clean=p_clean)
    return pb.RankedItem(uri=uri, prediction=prediction)


def test_doubt_is_compared_with_the_truth():
    truth = {"a": "cat", "b": "cat", "c": "rocket", "d": "rocket"}
    ranking = [
        item("a", "cat", 0.9, 0.5),
        item("b", "rocket", 0.8, 0.6),
        item("c", "rocket", 0.7, 0.7),
        item("d", "cat", 0.2, 0.1),
        item("unknown", "cat", 0.0, 1.0),
    ]
    doubt = doubt_of(ranking, truth)
    assert doubt.right.tolist() == [True, False, True, False]
    # Of the four pairs of a right and a wrong one, max-prob orders a-b, a-d and c-d rightly.
    assert doubt.auroc_max_prob == pytest.approx(3 / 4)
    # p_clean: only a-d and c-b and c-d.
    assert doubt.auroc_p_clean == pytest.approx(3 / 4)
    assert np.isnan(doubt_of(ranking[:1], truth).auroc_p_clean)


def test_accuracy_is_that_of_the_positive_prompt():
    features = np.eye(3, dtype=np.float16)
    positive = torch.eye(3)[[1, 0, 2]]
    prompts = PromptFeatures(positive, negative_CD=-positive, scale=10.0)
    assert HeldOut(features, np.array([1, 0, 0])).accuracy(prompts) == pytest.approx(2 / 3)


def test_test_images_are_embedded_once(
    encoder: Encoder, images: list[tuple[Path, str]], tmp_path: Path
):
    seen: list[tuple[int, int]] = []
    cache = tmp_path / "test.npz"

    def embed(part: list[tuple[Path, str]]) -> HeldOut:
        return embed_test_set(encoder, part, CLASSES, cache, lambda *done: seen.append(done))

    first = embed(images)
    assert seen == [(2, 2)]
    assert first.targets_N.tolist() == [1, 0]
    pixels = np.stack([encoder.preprocess(Image.open(path)) for path, _ in images])
    expected: npt.NDArray[np.float16] = encoder.encode_images(pixels)
    np.testing.assert_array_equal(first.features_ND, expected)
    np.testing.assert_array_equal(embed(images).features_ND, expected)
    assert seen == [(2, 2)]
    assert len(embed(images[:1]).features_ND) == 1
    assert seen == [(2, 2)]


def test_a_broken_test_image_is_named(encoder: Encoder, tmp_path: Path):
    (tmp_path / "cut.jpg").write_bytes(b"\xff\xd8\xff")
    for name in ("cut.jpg", "missing.jpg"):
        with pytest.raises(InvalidInputError, match=name) as raised:
            embed_test_set(
                encoder, [(tmp_path / name, "cat")], CLASSES, tmp_path / "t.npz", lambda *_: None
            )
        assert raised.value.reason == "IMAGE_BROKEN"
