from dataclasses import replace

import numpy as np
import pytest
import torch

from poolscore.scoring.kernel import score
from poolscore.scoring.similarities import class_similarities
from poolscore.scoring.types import Adapter
from tests.shards_world import DIM, embeddings, prompts


@pytest.mark.parametrize("with_adapter", [False, True])
@pytest.mark.parametrize("with_negative", [False, True])
def test_they_agree_with_the_scores(with_adapter: bool, with_negative: bool) -> None:
    features, text = embeddings(20), prompts()
    if with_adapter:
        generator = torch.Generator().manual_seed(3)
        matrices = (torch.randn(shape, generator=generator) for shape in ((DIM, 2), (2, DIM)))
        text = replace(text, adapter=Adapter(*matrices))
    if not with_negative:
        text = replace(text, negative_CD=None)
    scores = score(features, text, device="cpu")
    for row, feature in enumerate(features):
        found = class_similarities(feature, text)
        first, second, *_ = found.ordered
        assert first == scores.predicted[row]
        assert found.probability_C.sum() == pytest.approx(1.0)
        assert found.probability_C[first] == pytest.approx(scores.probability[row], abs=0.02)
        assert found.p_clean_C[first] == pytest.approx(scores.p_clean[row], abs=0.02)
        gap = found.probability_C[first] - found.probability_C[second]
        assert gap == pytest.approx(scores.margin[row], abs=0.03)
        assert (found.negative_C is None) is not with_negative
        assert np.abs(found.positive_C).max() <= 1.0 + 1e-6
