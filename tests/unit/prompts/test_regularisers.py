import numpy as np
import pytest
import torch

from poolscore.prompts.regularisers import feature_consistency, logit_consistency, margin_logits


def test_feature_consistency_by_hand() -> None:
    learned = torch.tensor([[0.6, 0.8], [1.0, 0.0]])
    # Differences 0.4, 0.8, 0, 0 over four numbers.
    assert feature_consistency(learned, torch.tensor([[1.0, 0.0]] * 2)).item() == pytest.approx(0.3)


def test_logit_consistency_in_float64() -> None:
    rng = np.random.default_rng(0)
    z, frozen = rng.standard_normal((2, 3, 4))
    log_p = z - np.log(np.exp(z).sum(1, keepdims=True))
    log_f = frozen - np.log(np.exp(frozen).sum(1, keepdims=True))
    expected = (np.exp(log_f) * (log_f - log_p)).sum() / 12
    found = logit_consistency(
        torch.tensor(z, dtype=torch.float32), torch.tensor(frozen, dtype=torch.float32)
    )
    assert found.item() == pytest.approx(expected, rel=1e-5)


def test_margin_by_hand() -> None:
    text = torch.tensor([[1.0, 0.0], [0.6, 0.8]])
    logits = torch.tensor([[5.0, 4.0], [5.0, 4.0]])
    shares = torch.tensor([[1.0, 0.0], [0.5, 0.5]])
    # s = 10, margin 0.3: the label loses 3, the other class 3 x 0.6; a mean of both rows: 2.4.
    expected = torch.tensor([[2.0, 2.2], [2.6, 1.6]])
    torch.testing.assert_close(margin_logits(logits, shares, text, 10.0, 0.3), expected)
