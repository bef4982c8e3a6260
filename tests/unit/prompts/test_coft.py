import numpy as np
import pytest
import torch

from poolscore.prompts.coft import CoftConfig, confident_images, fit_coft, kept_labels
from poolscore.prompts.config import DualPromptConfig
from poolscore.prompts.train import TrainingSet
from poolscore.scoring.types import PromptFeatures
from tests.unit.prompts.toy_text import ToyText

CONFIG = CoftConfig(
    prompts=DualPromptConfig(context_length=4, adapter_rank=4, min_steps=60, warm_start_steps=10),
    per_class=4,
    steps=60,
)


def test_the_most_certain_images_of_each_class() -> None:
    image = torch.tensor([[1.0, 0.0], [0.6, 0.8], [0.8, 0.6], [0.0, 1.0]])
    data = confident_images(image, torch.eye(2), 5.0, 1)
    np.testing.assert_array_equal(data.features_ND, [[1.0, 0.0], [0.0, 1.0]])
    assert data.targets_N.tolist() == [0, 1]
    assert data.pseudo_N.all()


def test_the_judge_keeps_what_its_positive_prompt_wins() -> None:
    labeller = PromptFeatures(torch.eye(2), torch.eye(2), 5.0)
    judge = PromptFeatures(
        torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([[0.6, 0.8], [0.6, 0.8]]), 5.0
    )
    image = torch.tensor([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0], [0.6, 0.8]])
    # Labels 0, 0, 1, 1; differences 0.4, 0.8 - 0.96, 0.2, 0.8 - 1.
    rows, labels = kept_labels(labeller, judge, image)
    assert (rows.tolist(), labels.tolist()) == ([0, 2], [0, 1])
    with pytest.raises(ValueError, match="dual_weight"):
        kept_labels(labeller, PromptFeatures(torch.eye(2), None, 5.0), image)


def test_without_labels_it_is_no_worse_than_zero_shot(
    text: ToyText, images: TrainingSet, anchor_CD: torch.Tensor
) -> None:
    image = torch.from_numpy(images.features_ND.astype(np.float32))
    target = torch.from_numpy(images.targets_N)
    model = fit_coft(text, 15.0, image, anchor_CD, CONFIG, seed=1)
    p = model.predict(image)
    torch.testing.assert_close(p.sum(1), torch.ones(60))
    zero_shot = ((image @ anchor_CD.T).argmax(1) == target).float().mean()
    assert (p.argmax(1) == target).float().mean() >= zero_shot
    assert not torch.equal(model.models[0].positive_CD, model.models[1].positive_CD)
    again = fit_coft(text, 15.0, image, anchor_CD, CONFIG, seed=1)
    assert torch.equal(again.predict(image), p)
