from dataclasses import replace

import numpy as np
import pytest
import torch

from poolscore.errors import InvalidInputError
from poolscore.prompts.candidate_targets import CandidateTargets, handcrafted_posterior
from poolscore.prompts.config import DualPromptConfig
from poolscore.prompts.train import TrainingSet, train_dual_prompts
from poolscore.scoring.kernel import score
from tests.unit.prompts.toy_text import ToyText

CONFIG = DualPromptConfig(
    context_length=4,
    adapter_rank=4,
    min_steps=60,
    warm_start_steps=10,
    anchor_weight=1.0,
    adapter_shrinkage=0.0,
    alignment_mix=0.0,
)
MASK = torch.tensor([[True, True, False], [False, False, True]])
POSTERIOR = torch.tensor([[0.2, 0.6, 0.2], [0.5, 0.4, 0.1]])


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_classification_in_float64() -> None:
    targets = CandidateTargets(MASK, POSTERIOR, CONFIG, generator())
    z = np.array([[0.3, -1.0, 2.0], [1.0, 0.5, 0.1]])
    log_p = z - np.log(np.exp(z).sum(1, keepdims=True))
    candidate = -np.array([0.5 * log_p[0, 0] + 0.5 * log_p[0, 1], log_p[1, 2]])
    aligned = -np.array([0.25 * log_p[0, 0] + 0.75 * log_p[0, 1], log_p[1, 2]])
    expected = (candidate + aligned * candidate.mean() / aligned.mean()) / 2
    loss = targets.classification(torch.tensor(z, dtype=torch.float32), torch.arange(2))
    np.testing.assert_allclose(loss.numpy(), expected, rtol=1e-5)


def test_dual_takes_its_complement_outside_of_the_candidates() -> None:
    targets = CandidateTargets(MASK, POSTERIOR, CONFIG, generator())
    p_clean = np.array([[0.8, 0.4, 0.3], [0.3, 0.3, 0.9]])
    clean = torch.tensor(np.log(p_clean / (1 - p_clean)))
    loss = targets.dual(clean, torch.zeros(2, 3), torch.arange(2))
    expected = [-0.25 * np.log(0.8) - 0.75 * np.log(0.4) - np.log(0.7), -np.log(0.9) - np.log(0.7)]
    np.testing.assert_allclose(loss.numpy(), expected, rtol=1e-5)


def test_dual_has_no_complement_where_every_class_is_a_candidate() -> None:
    config = CONFIG.model_copy(update={"candidate_alignment": False})
    targets = CandidateTargets(torch.ones(1, 2, dtype=torch.bool), POSTERIOR, config, generator())
    loss = targets.dual(torch.zeros(1, 2), torch.zeros(1, 2), torch.tensor([0]))
    np.testing.assert_allclose(loss.numpy(), [np.log(2)], rtol=1e-6)


def test_only_losses_with_weights_follow_the_model() -> None:
    for name, follows in (("cc", False), ("rc", True)):
        config = CONFIG.model_copy(update={"candidate_loss": name})
        targets = CandidateTargets(MASK, None, config, generator())
        assert targets.learns_from_steps == follows
        z = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
        before = targets.classification(z, torch.arange(2))
        targets.update(z, torch.arange(2))
        assert torch.equal(targets.classification(z, torch.arange(2)), before) != follows


def test_handcrafted_posterior_by_hand() -> None:
    image = torch.tensor([[0.6, 0.8]])
    found = handcrafted_posterior(image, torch.eye(2), 5.0)
    torch.testing.assert_close(found[0, 1], torch.sigmoid(torch.tensor(1.0)))


def noisy(text: ToyText, count: int, seed: int) -> TrainingSet:
    """Images near turned class vectors; candidates are the label and others at random."""
    draw = torch.Generator().manual_seed(seed)
    target = torch.arange(count) % text.num_classes
    turn = torch.linalg.qr(torch.randn(16, 16, generator=torch.Generator().manual_seed(99)))[0]
    clean = text.class_CD[target] @ (0.6 * torch.eye(16) + 0.4 * turn)
    image = torch.nn.functional.normalize(
        clean + 0.9 * torch.randn(count, 16, generator=draw), dim=1
    )
    mask = torch.rand(count, text.num_classes, generator=draw) < 0.3
    mask[torch.arange(count), target] = True
    return TrainingSet(
        image.half().numpy(), target.numpy(), np.zeros(count, np.bool_), mask.numpy()
    )


@pytest.mark.parametrize("name", ["naive", "rc"])
def test_alignment_beats_naive_averaging(name: str) -> None:
    text = ToyText(classes=10)
    anchor = torch.nn.functional.normalize(text.class_CD, dim=-1)
    test = noisy(text, 500, 1000)

    def accuracy(seed: int, **changes: object) -> float:
        config = CONFIG.model_copy(update=changes)
        data = noisy(text, 60, seed)
        trained = train_dual_prompts(text, 15.0, data, config, seed, anchor_CD=anchor)
        scores = score(test.features_ND, trained.features)
        return float(np.mean(scores.predicted == test.targets_N))

    naive = [accuracy(s, candidate_loss="naive", candidate_alignment=False) for s in range(3)]
    aligned = [accuracy(s, candidate_loss=name) for s in range(3)]
    assert min(np.subtract(aligned, naive)) > 0.1


def test_targets_are_not_looked_at_beside_candidates(text: ToyText, images: TrainingSet) -> None:
    one_hot = np.eye(5, dtype=np.bool_)[images.targets_N]
    results = [
        train_dual_prompts(
            text, 15.0, replace(images, candidates_NC=one_hot, targets_N=targets), CONFIG, seed=3
        ).features.positive_CD
        for targets in (images.targets_N, 0 * images.targets_N)
    ]
    assert torch.equal(*results)


def test_empty_or_misshapen_sets_are_refused(text: ToyText, images: TrainingSet) -> None:
    for mask in (np.zeros((60, 5), np.bool_), np.ones((60, 4), np.bool_)):
        with pytest.raises(InvalidInputError) as error:
            train_dual_prompts(text, 15.0, replace(images, candidates_NC=mask), CONFIG, seed=3)
        assert error.value.reason == "CANDIDATES_SHAPE"
