import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from poolscore.prompts.bayes_adapter import (
    BayesAdapterConfig,
    draw_logits,
    expected_surprise,
    fit_bayes_adapter,
    gaussian_divergence,
)


def unit(*shape: int, seed: int) -> torch.Tensor:
    drawn = torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.normalize(drawn, dim=-1)


def test_divergence_is_that_of_two_gaussians() -> None:
    mean, prior = unit(3, 4, seed=0), unit(3, 4, seed=1)
    std = torch.rand(3, 4, generator=torch.Generator().manual_seed(2)) + 0.1
    expected = kl_divergence(Normal(mean, std), Normal(prior, torch.full((3, 4), 0.3))).sum()
    torch.testing.assert_close(gaussian_divergence(mean, std, prior, 0.3), expected)


def test_logits_have_the_distribution_of_drawn_weights() -> None:
    image, mean = unit(1, 4, seed=0), unit(2, 4, seed=1)
    std = torch.tensor([[0.1, 0.2, 0.3, 0.4], [0.2, 0.2, 0.2, 0.2]])
    v, m, s = (each.double().numpy() for each in (image, mean, std))
    shift = 5 * np.sqrt((v**2) @ (s**2).T)
    at = [draw_logits(image, mean, std, 5.0, torch.full((1, 2), z)).numpy() for z in (0.0, 1.0)]
    np.testing.assert_allclose(at[0], 5 * v @ m.T, rtol=1e-5)
    np.testing.assert_allclose(at[1] - at[0], shift, rtol=1e-5)
    generator = torch.Generator().manual_seed(0)
    weights = mean + std * torch.randn(40_000, 2, 4, generator=generator)
    drawn = 5 * weights @ image[0]
    np.testing.assert_allclose(drawn.std(dim=0).numpy(), shift[0], rtol=0.02)


def test_expected_surprise_in_float64() -> None:
    logits = torch.randn(3, 5, 4, generator=torch.Generator().manual_seed(0))
    target = torch.tensor([0, 3, 1, 1, 2])
    z = logits.double().numpy()
    log_p = z - np.log(np.exp(z).sum(-1, keepdims=True))
    expected = -np.mean([[log_p[s, i, target[i]] for i in range(5)] for s in range(3)])
    assert expected_surprise(logits, target).item() == pytest.approx(expected, rel=1e-5)


def test_without_labels_the_posterior_is_the_prior() -> None:
    text = unit(3, 8, seed=0)
    fitted = fit_bayes_adapter(torch.zeros(0, 8), torch.zeros(0, dtype=torch.int64), text, 20.0)
    torch.testing.assert_close(fitted.mean_CD, text)
    torch.testing.assert_close(fitted.std_CD, torch.full((3, 8), 1 / 20))


def test_labels_make_it_accurate_and_sure_where_they_are() -> None:
    true = torch.eye(16)[:4]
    text = torch.nn.functional.normalize(true + 2.0 * unit(4, 16, seed=0), dim=1)
    target = torch.arange(200) % 4
    noise = torch.randn(200, 16, generator=torch.Generator().manual_seed(2))
    image = torch.nn.functional.normalize(true[target] + 0.15 * noise, dim=1)
    config = BayesAdapterConfig(learning_rate=0.05, steps=150)
    fitted = fit_bayes_adapter(image[:100], target[:100], text, 20.0, config, seed=1)
    p = fitted.predict(image[100:])
    assert p.shape == (100, 4)
    torch.testing.assert_close(p.sum(1), torch.ones(100))
    zero_shot = ((image[100:] @ text.T).argmax(1) == target[100:]).float().mean()
    assert (p.argmax(1) == target[100:]).float().mean() > zero_shot + 0.05
    elsewhere = fitted.predict(unit(100, 16, seed=5))
    assert p.amax(1).mean() > elsewhere.amax(1).mean() + 0.05
    again = fit_bayes_adapter(image[:100], target[:100], text, 20.0, config, seed=1)
    assert torch.equal(again.predict(image[100:]), p)
