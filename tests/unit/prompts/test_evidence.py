import numpy as np
import pytest
import torch
from scipy.stats import dirichlet as oracle

from poolscore.prompts.evidence import evidence

ALPHA = torch.tensor([[0.5, 2.0, 7.0], [1.0, 1.0, 1.0], [30.0, 0.1, 4.0]])


def test_all_measures() -> None:
    found = evidence(ALPHA.double())
    alpha = ALPHA.double().numpy()
    mean = alpha / alpha.sum(1, keepdims=True)
    np.testing.assert_allclose(found.probability_N, mean.max(1))
    np.testing.assert_allclose(found.entropy_N, -(mean * np.log(mean)).sum(1), rtol=1e-9)
    np.testing.assert_allclose(found.precision_N, alpha.sum(1))
    np.testing.assert_allclose(found.vacuity_N, 3 / alpha.sum(1))
    expected = [oracle(row).entropy() for row in alpha]
    np.testing.assert_allclose(found.differential_entropy_N, expected, rtol=1e-6)


def test_mutual_information_is_entropy_of_the_mean_less_mean_entropy() -> None:
    rng = np.random.default_rng(0)
    for row in ALPHA.double():
        p = rng.dirichlet(row.numpy(), 200_000)
        entropies = -np.sum(p * np.log(np.maximum(p, 1e-300)), axis=1)
        found = evidence(row[None])
        expected = float(found.entropy_N) - entropies.mean()
        assert float(found.mutual_information_N) == pytest.approx(expected, abs=3e-3)


def test_mutual_information_of_the_flat_one_by_hand() -> None:
    # log 3 - (psi(4) - psi(2)) = log 3 - (1/2 + 1/3).
    found = evidence(torch.ones(1, 3))
    assert float(found.mutual_information_N) == pytest.approx(np.log(3) - 5 / 6, rel=1e-5)
