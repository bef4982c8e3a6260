import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from poolscore.encoder.encoder import Encoder, is_convolutional
from poolscore.encoder.load import load_encoder
from poolscore.encoder.spec import EncoderSpec
from poolscore.errors import InvalidInputError
from tests.unit.encoder.conftest import BuildModel

CLASSES = ("cup of coffee", "tabby_cat", "rocket")


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return load_encoder(EncoderSpec(precision="fp32"), device="cpu")


@pytest.fixture(scope="module")
def pixels(encoder: Encoder) -> np.ndarray:
    pictures = [data.coffee(), data.chelsea(), data.rocket()]
    return np.stack([encoder.preprocess(Image.fromarray(picture)) for picture in pictures])


def test_embeddings_are_contiguous_unit_float16(encoder: Encoder, pixels: np.ndarray) -> None:
    embeddings = encoder.encode_images(pixels)
    assert embeddings.shape == (3, encoder.dim)
    assert embeddings.dtype == np.float16
    assert embeddings.flags.c_contiguous
    assert np.linalg.norm(embeddings.astype(np.float32), axis=1) == pytest.approx(1, abs=1e-3)


def test_an_image_does_not_depend_on_its_batch(encoder: Encoder, pixels: np.ndarray) -> None:
    together = encoder.encode_images(pixels).astype(np.float32)
    alone = np.concatenate([encoder.encode_images(one[None]) for one in pixels])
    assert np.abs(together - alone).max() < 2e-3


def test_bf16_is_near_float32(encoder: Encoder, pixels: np.ndarray) -> None:
    fast = load_encoder(EncoderSpec(precision="bf16"), device="cpu")
    exact, near = encoder.encode_images(pixels), fast.encode_images(pixels)
    assert (exact.astype(np.float32) * near.astype(np.float32)).sum(axis=1).min() > 0.99


def test_photographs_are_recognised(encoder: Encoder, pixels: np.ndarray) -> None:
    text_CD = encoder.zero_shot(CLASSES, "a photo of a {}.")
    assert text_CD.dtype == torch.float32
    similarity_NC = torch.from_numpy(encoder.encode_images(pixels)).float() @ text_CD.T
    assert similarity_NC.argmax(dim=1).tolist() == [0, 1, 2]


def test_underscores_are_blanks(encoder: Encoder) -> None:
    with_underscore = encoder.zero_shot(["tabby_cat"], "{} photo")
    assert torch.equal(with_underscore, encoder.encode_texts(["tabby cat photo"]))


def test_long_lists_of_texts_are_cut_into_batches(encoder: Encoder) -> None:
    texts = [f"number {index}" for index in range(300)]
    features = encoder.encode_texts(texts)
    assert features.shape == (300, encoder.dim)
    assert torch.allclose(features[299], encoder.encode_texts(texts[299:])[0], atol=1e-5)


@pytest.mark.parametrize("template", ["a photo", "{} and {}"])
def test_a_template_names_the_class_once(encoder: Encoder, template: str) -> None:
    with pytest.raises(InvalidInputError, match="exactly once"):
        encoder.zero_shot(CLASSES, template)


def test_normalised_pixels_are_refused(encoder: Encoder) -> None:
    with pytest.raises(TypeError, match="8-bit"):
        encoder.encode_images(torch.zeros(1, 3, 224, 224))


def test_only_towers_that_convolve_throughout_are_convolutional(
    encoder: Encoder, build_model: BuildModel
) -> None:
    assert is_convolutional(vars(encoder)["_model"].visual)
    assert not is_convolutional(build_model().get_submodule("visual"))
