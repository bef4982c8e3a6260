"""What every learner must keep, whatever it learns."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from poolscore.encoder.prompt_text import PromptTextEncoder
from poolscore.prompts.adapter import adapt
from poolscore.prompts.bafta import fit_bafta
from poolscore.prompts.bayes_adapter import fit_bayes_adapter
from poolscore.prompts.coft import CoftConfig, fit_coft
from poolscore.prompts.config import DualPromptConfig
from poolscore.prompts.coop import coop_config
from poolscore.prompts.descriptions import DescribedPromptText
from poolscore.prompts.dirichlet import fit_dirichlet
from poolscore.prompts.train import TrainingSet, train_dual_prompts
from tests.unit.prompts.toy_text import ToyText

SCALE = 15.0
Predict = Callable[[torch.Tensor], torch.Tensor]
Learner = Callable[[ToyText, TrainingSet, torch.Tensor, int], Predict]

QUICK = {
    "context_length": 4,
    "adapter_rank": 4,
    "adapter_shrinkage": 0.0,
    "anchor_weight": 1.0,
    "min_steps": 60,
    "warm_start_steps": 10,
}


def prompts(**changes: object) -> Learner:
    """Dual prompts with this configuration."""
    config = DualPromptConfig().model_copy(update={**QUICK, **changes})
    return lambda text, data, anchor_CD, seed: _train(text, data, anchor_CD, seed, config)


def _coop(class_specific: bool) -> Learner:
    changes = {"context_length": 4, "learning_rate": 0.1, "epochs": 60}
    config = coop_config(class_specific).model_copy(update=changes)
    return lambda text, data, anchor_CD, seed: _train(text, data, anchor_CD, seed, config)


def _described(text: ToyText, data: TrainingSet, anchor_CD: torch.Tensor, seed: int) -> Predict:
    """Every class once as it is and once turned a little, averaged."""
    many = ToyText(classes=10)
    many.class_CD = torch.cat([text.class_CD, text.class_CD.roll(1, dims=1)])
    described = DescribedPromptText(many, torch.arange(10) % 5, "AS")
    config = DualPromptConfig().model_copy(update=QUICK)
    return _train(described, data, anchor_CD, seed, config)


def _train(
    text: PromptTextEncoder,
    data: TrainingSet,
    anchor_CD: torch.Tensor,
    seed: int,
    config: DualPromptConfig,
) -> Predict:
    features = train_dual_prompts(text, SCALE, data, config, seed, anchor_CD=anchor_CD).features
    return lambda image_ND: (
        SCALE * adapt(image_ND, features.adapter) @ features.positive_CD.T
    ).softmax(dim=1)


def _images(data: TrainingSet) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.from_numpy(data.features_ND.astype(np.float32)), torch.from_numpy(data.targets_N)


def _bayes(text: ToyText, data: TrainingSet, anchor_CD: torch.Tensor, seed: int) -> Predict:
    return fit_bayes_adapter(*_images(data), anchor_CD, SCALE, seed=seed).predict


def _dirichlet(text: ToyText, data: TrainingSet, anchor_CD: torch.Tensor, seed: int) -> Predict:
    return fit_dirichlet(*_images(data), text.num_classes, seed=seed).predict


def _coft(text: ToyText, data: TrainingSet, anchor_CD: torch.Tensor, seed: int) -> Predict:
    config = CoftConfig(prompts=DualPromptConfig().model_copy(update=QUICK))
    return fit_coft(text, SCALE, _images(data)[0], anchor_CD, config, seed).predict


def _bafta(text: ToyText, data: TrainingSet, anchor_CD: torch.Tensor, seed: int) -> Predict:
    return fit_bafta(_images(data)[0], anchor_CD, SCALE).predict


WITH_LABELS: dict[str, Learner] = {
    "dual prompts, ActiveCLIP's routing": prompts(gradient_routing="activeclip"),
    "dual prompts, DeFT's routing": prompts(gradient_routing="deft"),
    "residual adapter alone": prompts(dual_weight=0.0, learning_rate=1e-9),
    "CoOp, shared context": _coop(class_specific=False),
    "CoOp, class-specific contexts": _coop(class_specific=True),
    "description augmentation": _described,
    "C-PEAL's calibration": prompts(calibration_weight=1.0),
    "PromptSRC's consistency": prompts(
        text_consistency=25.0, image_consistency=10.0, logit_consistency=1.0
    ),
    "PromptSRC's average": prompts(weight_averaging="gaussian"),
    "CLIPood's margin and average": prompts(margin=0.3, weight_averaging="beta"),
    "BayesAdapter": _bayes,
    "Dirichlet meta-model": _dirichlet,
}
WITHOUT_LABELS: dict[str, Learner] = {"CoFT": _coft, "BaFTA": _bafta}
EVERY = pytest.mark.parametrize(
    "learner", (WITH_LABELS | WITHOUT_LABELS).values(), ids=(WITH_LABELS | WITHOUT_LABELS).keys()
)


@pytest.fixture
def labeled(images: TrainingSet) -> TrainingSet:
    return replace(images, pseudo_N=np.zeros(len(images.targets_N), np.bool_))


@EVERY
def test_predictions_are_probabilities(
    learner: Learner, text: ToyText, labeled: TrainingSet, anchor_CD: torch.Tensor
) -> None:
    image_ND, _ = _images(labeled)
    p_NC = learner(text, labeled, anchor_CD, 0)(image_ND)
    assert p_NC.shape == (60, 5)
    assert torch.isfinite(p_NC).all()
    assert (p_NC >= 0).all()
    torch.testing.assert_close(p_NC.sum(dim=1), torch.ones(60), rtol=1e-5, atol=1e-5)


@EVERY
def test_the_same_seed_learns_the_same_and_leaves_other_generators_alone(
    learner: Learner, text: ToyText, labeled: TrainingSet, anchor_CD: torch.Tensor
) -> None:
    image_ND, _ = _images(labeled)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first = learner(text, labeled, anchor_CD, 1)(image_ND)
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(first, learner(text, labeled, anchor_CD, 1)(image_ND))


@EVERY
def test_what_it_is_given_stays_as_it_was(
    learner: Learner, text: ToyText, labeled: TrainingSet, anchor_CD: torch.Tensor
) -> None:
    before = (labeled.features_ND.copy(), labeled.targets_N.copy(), anchor_CD.clone())
    learner(text, labeled, anchor_CD, 0)
    assert np.array_equal(labeled.features_ND, before[0])
    assert np.array_equal(labeled.targets_N, before[1])
    assert torch.equal(anchor_CD, before[2])


@pytest.mark.parametrize("name", WITH_LABELS)
def test_labels_make_it_better_than_zero_shot(
    name: str, text: ToyText, labeled: TrainingSet, anchor_CD: torch.Tensor
) -> None:
    image_ND, target_N = _images(labeled)
    zero_shot = (image_ND @ anchor_CD.T).argmax(dim=1).eq(target_N).float().mean()
    learned = WITH_LABELS[name](text, labeled, anchor_CD, 0)(image_ND).argmax(dim=1)
    # One context for all classes turns this toy tower no further than zero-shot is.
    gain = -0.01 if name == "CoOp, shared context" else 0.1
    assert learned.eq(target_N).float().mean() > zero_shot + gain


@pytest.mark.parametrize("learner", WITHOUT_LABELS.values(), ids=WITHOUT_LABELS.keys())
def test_without_labels_none_are_looked_at(
    learner: Learner, text: ToyText, labeled: TrainingSet, anchor_CD: torch.Tensor
) -> None:
    image_ND, _ = _images(labeled)
    wrong = replace(labeled, targets_N=(labeled.targets_N + 1) % 5)
    assert torch.equal(
        learner(text, labeled, anchor_CD, 0)(image_ND), learner(text, wrong, anchor_CD, 0)(image_ND)
    )
