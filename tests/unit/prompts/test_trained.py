import torch

from poolscore.prompts.trained import zero_shot_prompts


def test_zero_shot_prompts_have_features_and_nothing_else() -> None:
    prompts = zero_shot_prompts(torch.eye(3, dtype=torch.float64), 15.0)
    assert prompts.features.positive_CD.dtype is torch.float32
    assert prompts.features.negative_CD is None
    assert prompts.features.scale == 15.0
    assert prompts.positive_context_MW is None
    assert prompts.config is None
