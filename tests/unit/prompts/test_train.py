from dataclasses import replace

import numpy as np
import pytest
import torch

from poolscore.errors import InvalidInputError
from poolscore.prompts.config import DualPromptConfig
from poolscore.prompts.contexts import initial_contexts
from poolscore.prompts.train import TrainingSet, train_dual_prompts
from poolscore.prompts.trained import TrainedPrompts
from poolscore.scoring.kernel import score
from poolscore.scoring.types import PromptFeatures
from tests.unit.prompts.toy_text import ToyText

# Regularisers are fixed: the tests ask whether learning works, not how defaults are tuned.
CONFIG = DualPromptConfig(
    context_length=4,
    adapter_rank=4,
    min_steps=60,
    warm_start_steps=10,
    anchor_weight=1.0,
    adapter_shrinkage=0.0,
)


def train(text: ToyText, data: TrainingSet, **changes: object) -> TrainedPrompts:
    return train_dual_prompts(text, 15.0, data, CONFIG.model_copy(update=changes), seed=3)


def accuracy(features: PromptFeatures, data: TrainingSet) -> float:
    scores = score(data.features_ND.astype(np.float16), features)
    return float(np.mean(scores.predicted == data.targets_N))


@pytest.mark.parametrize("routing", ["deft", "activeclip"])
def test_training_beats_zero_shot(
    text: ToyText, images: TrainingSet, anchor_CD: torch.Tensor, routing: str
) -> None:
    config = CONFIG.model_copy(update={"gradient_routing": routing})
    prompts = train_dual_prompts(text, 15.0, images, config, 3, anchor_CD=anchor_CD)
    zero_shot = accuracy(PromptFeatures(anchor_CD, None, 15.0), images)
    assert accuracy(prompts.features, images) > zero_shot + 0.15
    assert prompts.metrics["steps"] == 60


def test_p_clean_is_higher_for_the_right_label(text: ToyText, images: TrainingSet) -> None:
    features = train(text, images).features
    negative, adapter = features.negative_CD, features.adapter
    assert negative is not None
    assert adapter is not None
    v = torch.from_numpy(images.features_ND.astype(np.float32))
    v = torch.nn.functional.normalize(v + v @ adapter.down_DR @ adapter.up_RD, dim=1)
    p_clean = torch.sigmoid(15.0 * v @ (features.positive_CD - negative).T).numpy()
    rows = np.arange(len(v))
    right = p_clean[rows, images.targets_N].mean()
    wrong = p_clean[rows, (images.targets_N + 1) % 5].mean()
    assert right > wrong + 0.1


def test_same_seed_same_prompts_and_global_seed_untouched(
    text: ToyText, images: TrainingSet
) -> None:
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    first = train(text, images)
    assert torch.equal(torch.rand(1), expected)
    second = train(text, images)
    assert first.positive_context_MW is not None
    assert second.positive_context_MW is not None
    assert torch.equal(first.positive_context_MW, second.positive_context_MW)
    assert torch.equal(first.features.positive_CD, second.features.positive_CD)
    other = train_dual_prompts(text, 15.0, images, CONFIG, seed=4)
    assert other.positive_context_MW is not None
    assert not torch.equal(first.positive_context_MW, other.positive_context_MW)


def test_deft_routing_keeps_the_positive_side_as_without_dual_loss(
    text: ToyText, images: TrainingSet
) -> None:
    with_dual = train(text, images, gradient_routing="deft")
    without = train(text, images, dual_weight=1e-9)
    joint = train(text, images, gradient_routing="activeclip")
    torch.testing.assert_close(with_dual.features.positive_CD, without.features.positive_CD)
    assert not torch.allclose(joint.features.positive_CD, without.features.positive_CD, atol=1e-4)


def test_pseudo_labels_alone_can_start(text: ToyText, images: TrainingSet) -> None:
    data = replace(images, pseudo_N=np.ones(60, np.bool_))
    assert accuracy(train(text, data).features, data) > 0.6


def test_no_adapter_when_rank_is_zero(text: ToyText, images: TrainingSet) -> None:
    assert train(text, images, adapter_rank=0).features.adapter is None


def test_progress_is_reported_and_can_stop_the_training(text: ToyText, images: TrainingSet) -> None:
    seen: list[tuple[int, int]] = []

    def on_step(done: int, steps: int, loss: float) -> None:
        assert np.isfinite(loss)
        seen.append((done, steps))
        if done == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_dual_prompts(text, 15.0, images, CONFIG, 3, on_step)
    assert seen == [(done, 60) for done in range(1, 8)]


def test_impossible_sets_are_refused(text: ToyText, images: TrainingSet) -> None:
    empty = TrainingSet(images.features_ND[:0], images.targets_N[:0], images.pseudo_N[:0])
    for data, reason in (
        (empty, "NO_TRAINING_DATA"),
        (replace(images, targets_N=images.targets_N + 1), "TARGET_OUT_OF_RANGE"),
    ):
        with pytest.raises(InvalidInputError) as error:
            train(text, data)
        assert error.value.reason == reason
    with pytest.raises(InvalidInputError, match="context vectors"):
        train(text, images, context_length=5)


@pytest.mark.parametrize(
    "changes",
    [
        {"calibration_weight": 1.0},
        {"text_consistency": 25.0, "image_consistency": 10.0, "logit_consistency": 1.0},
        {"margin": 0.3},
        {"weight_averaging": "gaussian"},
        {"weight_averaging": "beta"},
    ],
)
def test_what_can_be_switched_on_changes_the_prompts_and_still_learns(
    text: ToyText, images: TrainingSet, anchor_CD: torch.Tensor, changes: dict[str, object]
) -> None:
    plain, changed = (
        train_dual_prompts(
            text, 15.0, images, CONFIG.model_copy(update=each), 3, anchor_CD=anchor_CD
        ).features
        for each in ({}, changes)
    )
    assert not torch.equal(plain.positive_CD, changed.positive_CD)
    zero_shot = accuracy(PromptFeatures(anchor_CD, None, 15.0), images)
    assert accuracy(changed, images) > zero_shot + 0.05


class CountingText(ToyText):
    """Counts its passes."""

    passes = 0

    def __call__(self, contexts_PMW: torch.Tensor) -> torch.Tensor:
        self.passes += 1
        return super().__call__(contexts_PMW)


@pytest.mark.parametrize(("every", "passes"), [(1, 60), (4, 15), (7, 9)])
def test_the_text_tower_runs_every_so_many_steps(
    images: TrainingSet, every: int, passes: int
) -> None:
    text = CountingText(classes=5)
    train(text, images, text_every=every)
    assert text.passes == passes + 1  # and once for the features at the end


def test_between_text_passes_the_gradient_of_the_contexts_gathers(
    text: ToyText, images: TrainingSet
) -> None:
    """Two full-batch SGD steps on one text pass move the contexts by the sum of both gradients."""
    plain = {"optimizer": "sgd", "momentum": 0.0, "weight_decay": 0.0, "adapter_rank": 0}
    labels = replace(images, pseudo_N=np.zeros(60, np.bool_))
    config = CONFIG.model_copy(
        update={**plain, "min_steps": 2, "max_steps": 2, "text_every": 2, "dual_weight": 0}
    )
    start = initial_contexts(text, config, 3, None)
    trained = train_dual_prompts(text, 15.0, labels, config, 3)
    contexts = start.clone().requires_grad_(True)
    image_ND = torch.from_numpy(labels.features_ND.astype(np.float32))
    logits = 15.0 * image_ND @ text(contexts)[0].T
    torch.nn.functional.cross_entropy(logits, torch.from_numpy(labels.targets_N)).backward()
    assert contexts.grad is not None
    # The contexts move once, at the second step, whose rate is half of the first by the cosine.
    expected = start - 0.5 * config.learning_rate * 2 * contexts.grad
    assert trained.positive_context_MW is not None
    torch.testing.assert_close(trained.positive_context_MW, expected.detach()[0])
