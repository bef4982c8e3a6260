"""Joint training on two kinds of pictures: reddish noise and greenish noise."""

from pathlib import Path

import numpy as np
import pytest
import torch

from poolscore.encoder.encoder import Encoder
from poolscore.encoder.load import load_encoder
from poolscore.encoder.spec import EncoderSpec
from poolscore.encoder.visual_tuning.attach import attached, initial_tensors
from poolscore.encoder.visual_tuning.config import LoraConfig, VisualTuningConfig, VptConfig
from poolscore.errors import InvalidInputError
from poolscore.prompts.config import DualPromptConfig
from poolscore.prompts.visual import JointResult, LabeledPixels, tune_visual
from poolscore.scoring.kernel import score
from poolscore.scoring.types import PromptFeatures
from tests.tiny_vit import tiny_vit_spec

CLASSES = ("red", "green")
TEMPLATE = "a photo of a {}."
VPT = VptConfig(tokens=4, learning_rate=0.02)
LORA = LoraConfig(learning_rate=0.005)
PROMPTS = DualPromptConfig(
    context_length=4,
    adapter_rank=0,
    labelled_batch=16,
    min_steps=60,
    max_steps=60,
    text_every=1,
    learning_rate=0.01,
)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    return load_encoder(tiny_vit_spec(tmp_path_factory.mktemp("tiny-vit")), device="cpu")


def pictures(count: int, seed: int) -> LabeledPixels:
    generator = np.random.default_rng(seed)
    pixels = generator.integers(0, 130, (count, 3, 32, 32))
    targets = np.arange(count) % 2
    for image, target in zip(pixels, targets, strict=True):
        image[target] += 100
    return LabeledPixels(pixels.astype(np.uint8), targets)


def train(encoder: Encoder, config: VisualTuningConfig, **changes: object) -> JointResult:
    prompts = PROMPTS.model_copy(update=changes)
    return tune_visual(encoder, CLASSES, TEMPLATE, pictures(32, 0), config, prompts, seed=3)


def accuracy(encoder: Encoder, prompts: PromptFeatures) -> float:
    data = pictures(100, 1)
    predicted = score(encoder.encode_images(data.pixels_N3SS), prompts).predicted
    return float(np.mean(predicted == data.targets_N))


def zero_shot(encoder: Encoder) -> PromptFeatures:
    return PromptFeatures(encoder.zero_shot(CLASSES, TEMPLATE), None, encoder.scale)


def similarity(encoder: Encoder) -> float:
    """Mean cosine of an image of one class with one of the other."""
    data = pictures(40, 1)
    features = encoder.encode_images(data.pixels_N3SS).astype(np.float64)
    return float((features[data.targets_N == 0] @ features[data.targets_N == 1].T).mean())


@pytest.mark.parametrize("config", [VPT, LORA])
@pytest.mark.parametrize("routing", ["activeclip", "deft"])
def test_training_lowers_the_loss_and_raises_accuracy(
    encoder: Encoder, config: VisualTuningConfig, routing: str
) -> None:
    losses: list[float] = []
    prompts = PROMPTS.model_copy(update={"gradient_routing": routing})
    weights = {name: each.clone() for name, each in encoder.image_tower.state_dict().items()}
    before, similarity_before = accuracy(encoder, zero_shot(encoder)), similarity(encoder)
    result = tune_visual(
        encoder,
        CLASSES,
        TEMPLATE,
        pictures(32, 0),
        config,
        prompts,
        seed=3,
        on_step=lambda *now: losses.append(now[2]),
    )
    assert len(losses) == 60
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:5])
    with attached(encoder.image_tower, config, result.tuning.tensors):
        after = accuracy(encoder, result.prompts.features)
        similarity_after = similarity(encoder)
    assert before < 0.7
    assert after > 0.95
    # Prompts alone could tell the colours apart; that the images differ more is the tower's doing.
    assert similarity_after < similarity_before - 0.1
    state = encoder.image_tower.state_dict()
    assert state.keys() == weights.keys()
    assert all(torch.equal(state[name], weights[name]) for name in state)


def test_the_tuning_says_where_it_comes_from(encoder: Encoder) -> None:
    tuning = train(encoder, VPT, max_steps=2, min_steps=1).tuning
    assert tuning.base.digest == encoder.digest
    assert (tuning.base.model, tuning.base.pretrained) == ("tiny-vit", encoder.spec.pretrained)
    assert (tuning.classes, tuning.seed, tuning.config) == (CLASSES, 3, VPT)
    assert tuning.metrics["steps"] == 2
    assert all(not each.requires_grad for each in tuning.tensors.values())


@pytest.mark.parametrize("config", [VPT, LORA])
def test_same_seed_same_tuning_and_global_seed_untouched(
    encoder: Encoder, config: VisualTuningConfig
) -> None:
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    first = train(encoder, config, max_steps=3, min_steps=1)
    assert torch.equal(torch.rand(1), expected)
    second = train(encoder, config, max_steps=3, min_steps=1)
    assert first.tuning.digest == second.tuning.digest
    assert torch.equal(first.prompts.features.positive_CD, second.prompts.features.positive_CD)


def test_the_dual_loss_reaches_the_tower_only_as_the_paper_words_it(encoder: Encoder) -> None:
    def learned(**changes: object) -> torch.Tensor:
        result = train(encoder, VPT, max_steps=3, min_steps=1, **changes)
        return torch.cat([*result.tuning.tensors.values()])

    without = learned(dual_weight=1e-9)
    torch.testing.assert_close(learned(gradient_routing="deft"), without, atol=1e-6, rtol=0)
    assert (learned(gradient_routing="activeclip") - without).abs().max() > 1e-4


def test_averaged_weights_are_those_of_the_tower_too(encoder: Encoder) -> None:
    start = initial_tensors(encoder.image_tower, VPT, torch.Generator().manual_seed(3))
    few = {"max_steps": 2, "min_steps": 1}
    one = train(encoder, VPT, **few).tuning.tensors
    averaged = train(encoder, VPT, **few, weight_averaging="beta").tuning.tensors
    name = "blocks.0.prompts"
    # The mean of three points lies strictly between the first and the farthest of them.
    moved, of_mean = ((each[name] - start[name]).norm() for each in (one, averaged))
    assert 0.1 * moved < of_mean < 0.9 * moved


def test_impossible_trainings_are_refused(encoder: Encoder, tmp_path: Path) -> None:
    data = pictures(4, 0)
    bf16 = load_encoder(tiny_vit_spec(tmp_path, precision="bf16"), device="cpu")
    none = LabeledPixels(data.pixels_N3SS[:0], data.targets_N[:0])
    beyond = LabeledPixels(data.pixels_N3SS, data.targets_N + 1)
    embedded = load_encoder(EncoderSpec(precision="fp32"), device="cpu")
    for used, images, config, reason in (
        (encoder, none, VPT, "NO_TRAINING_DATA"),
        (encoder, beyond, VPT, "TARGET_OUT_OF_RANGE"),
        (bf16, data, VPT, "TUNING_BASE"),
        (embedded, data, LORA, "UNSUPPORTED_IMAGE_TOWER"),
        (encoder, data, VptConfig(learning_rate=1e30), "TUNING_DIVERGED"),
    ):
        with pytest.raises(InvalidInputError) as caught:
            tune_visual(used, CLASSES, TEMPLATE, images, config, PROMPTS)
        assert caught.value.reason == reason
    for term in ("image_consistency", "logit_consistency"):
        with pytest.raises(InvalidInputError) as caught:
            train(encoder, VPT, **{term: 1.0})
        assert caught.value.reason == "NOTHING_FROZEN"


def test_an_interrupted_training_leaves_the_encoder_as_it_was(encoder: Encoder) -> None:
    def stop(done: int, steps: int, loss: float) -> None:
        raise KeyboardInterrupt

    before = encoder.encode_images(pictures(4, 0).pixels_N3SS)
    with pytest.raises(KeyboardInterrupt):
        tune_visual(encoder, CLASSES, TEMPLATE, pictures(4, 0), LORA, PROMPTS, on_step=stop)
    assert np.array_equal(encoder.encode_images(pictures(4, 0).pixels_N3SS), before)
