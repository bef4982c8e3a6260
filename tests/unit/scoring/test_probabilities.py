import numpy as np
import pytest
import torch

from poolscore.scoring.folding import linear_classifier
from poolscore.scoring.kernel import score
from poolscore.scoring.probabilities import class_probabilities
from poolscore.scoring.types import Adapter, PromptFeatures


def unit(rows: torch.Tensor) -> torch.Tensor:
    return rows / rows.norm(dim=-1, keepdim=True)


def pool(adapted: bool, count: int = 70) -> tuple[np.ndarray, PromptFeatures]:
    generator = torch.Generator().manual_seed(3)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator)

    adapter = Adapter(0.3 * draw(16, 3), 0.3 * draw(3, 16)) if adapted else None
    prompts = PromptFeatures(unit(draw(5, 16)), unit(draw(5, 16)), 12.0, adapter)
    return unit(draw(count, 16)).half().numpy(), prompts


def transcription(features: np.ndarray, prompts: PromptFeatures) -> torch.Tensor:
    """softmax of s <v', t+>, in float64."""
    v = torch.tensor(features.tolist(), dtype=torch.float64)
    if prompts.adapter is not None:
        v = unit(v + v @ prompts.adapter.down_DR.double() @ prompts.adapter.up_RD.double())
    return (prompts.scale * v @ prompts.positive_CD.double().T).softmax(dim=1)


@pytest.mark.parametrize("adapted", [False, True])
@pytest.mark.parametrize("count", [70, 2500])
def test_probabilities_are_the_formula(adapted: bool, count: int) -> None:
    features, prompts = pool(adapted, count)
    features.flags.writeable = False
    found = class_probabilities(features, prompts, device="cpu")
    # The stored embeddings are rounded to half precision, so their length is 1 to about 1e-3.
    np.testing.assert_allclose(found, transcription(features, prompts), atol=2e-3)
    assert (found.dtype, found.shape) == (np.float32, (count, 5))
    np.testing.assert_allclose(found.sum(axis=1), 1.0, atol=1e-5)


def test_they_agree_with_the_scores() -> None:
    features, prompts = pool(True)
    scores, found = score(features, prompts), class_probabilities(features, prompts)
    assert found.argmax(axis=1).tolist() == scores.predicted.tolist()
    np.testing.assert_allclose(found.max(axis=1), scores.probability, atol=1e-6)


def test_no_images() -> None:
    _, prompts = pool(False)
    assert class_probabilities(np.empty((0, 16), np.float16), prompts).shape == (0, 5)


@pytest.mark.parametrize("adapted", [False, True])
def test_the_linear_classifier_predicts_the_same(adapted: bool) -> None:
    features, prompts = pool(adapted)
    logits = features.astype(np.float32) @ linear_classifier(prompts).numpy().T
    expected = transcription(features, prompts).argmax(dim=1)
    assert logits.argmax(axis=1).tolist() == expected.tolist()
