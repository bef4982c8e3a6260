"""BayesAdapter: a linear classifier with a posterior around the zero-shot text features.

arXiv 2412.09718: Gaussian prior centred on the text features, Gaussian variational posterior with
a diagonal covariance, prediction by the mean of softmax over draws [A: abstract]. How the pieces
fit together in detail, and every number, is ours [C]. Shapes: N images, n of a step, C classes, D
embedding width, S draws.
"""

from dataclasses import dataclass

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch.nn.functional import nll_loss

from poolscore.prompts.descent import descend


class BayesAdapterConfig(BaseModel):
    """Prior and fit of the adapter; every default is ours [C]."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prior_logit_std: float = Field(default=1.0, gt=0)
    """Prior standard deviation of a logit; that of a weight is this over the model's scale."""
    train_draws: int = Field(default=4, ge=1)
    """S while fitting."""
    predict_draws: int = Field(default=32, ge=1)
    """S when predicting."""
    learning_rate: float = Field(default=0.02, gt=0)
    """Of Adam on the weights' means, counted in prior standard deviations."""
    steps: int = Field(default=300, ge=1)
    """Of Adam, the rate falling by a cosine."""
    batch: int = Field(default=256, ge=1)
    """Labelled images a step."""


@dataclass(frozen=True)
class BayesAdapter:
    """The fitted posterior N(mean, std^2) of the class weights."""

    mean_CD: torch.Tensor
    std_CD: torch.Tensor
    scale: float
    config: BayesAdapterConfig

    def predict(self, image_ND: torch.Tensor, seed: int = 0) -> torch.Tensor:
        """Mean of softmax over `predict_draws` draws, (N, C); same seed, same probabilities."""
        generator = torch.Generator().manual_seed(seed)
        total_NC = torch.zeros(len(image_ND), len(self.mean_CD))
        for _ in range(self.config.predict_draws):
            noise_NC = torch.randn(total_NC.shape, generator=generator)
            logits_NC = draw_logits(image_ND, self.mean_CD, self.std_CD, self.scale, noise_NC)
            total_NC += logits_NC.softmax(dim=1)
        return total_NC / self.config.predict_draws


def fit_bayes_adapter(
    image_ND: torch.Tensor,
    target_N: torch.Tensor,
    prior_CD: torch.Tensor,
    scale: float,
    config: BayesAdapterConfig | None = None,
    seed: int = 0,
) -> BayesAdapter:
    """Maximise the evidence lower bound of labels `target_N`; `prior_CD` are text features.

    Without images the posterior is the prior.
    """
    config = config or BayesAdapterConfig()
    generator = torch.Generator().manual_seed(seed)
    prior_std = config.prior_logit_std / scale
    # Both in units of the prior, so that one learning rate serves every encoder.
    shift_CD = torch.zeros_like(prior_CD).requires_grad_()
    log_std_CD = torch.zeros_like(prior_CD).requires_grad_()

    def loss(rows_n: torch.Tensor) -> torch.Tensor:
        mean_CD, std_CD = prior_CD + prior_std * shift_CD, prior_std * log_std_CD.exp()
        shape = (config.train_draws, len(rows_n), len(prior_CD))
        noise_SnC = torch.randn(shape, generator=generator)
        logits_SnC = draw_logits(image_ND[rows_n], mean_CD, std_CD, scale, noise_SnC)
        divergence = gaussian_divergence(mean_CD, std_CD, prior_CD, prior_std)
        return expected_surprise(logits_SnC, target_N[rows_n]) + divergence / len(image_ND)

    if len(image_ND):
        descend(
            [shift_CD, log_std_CD],
            loss,
            len(image_ND),
            config.batch,
            config.steps,
            config.learning_rate,
            generator,
        )
    mean_CD = (prior_CD + prior_std * shift_CD).detach()
    return BayesAdapter(mean_CD, (prior_std * log_std_CD.exp()).detach(), scale, config)


def draw_logits(
    image_ND: torch.Tensor,
    mean_CD: torch.Tensor,
    std_CD: torch.Tensor,
    scale: float,
    noise_NC: torch.Tensor,
) -> torch.Tensor:
    """Logits s <v, w> of weights drawn anew for every image, (N, C) or with more axes in front.

    Under a diagonal Gaussian a logit is itself Gaussian, with mean s <v, mean> and variance
    s^2 <v^2, std^2>: drawing it directly gives the same expectation with less noise.
    """
    spread_NC = (image_ND.square() @ std_CD.square().T).sqrt()
    return scale * (image_ND @ mean_CD.T + spread_NC * noise_NC)


def expected_surprise(logits_SNC: torch.Tensor, target_N: torch.Tensor) -> torch.Tensor:
    """-E_q[log p(y | x, w)], mean over draws and images."""
    log_p_SNC = logits_SNC.log_softmax(dim=-1)
    return nll_loss(log_p_SNC.flatten(0, 1), target_N.repeat(len(log_p_SNC)))


def gaussian_divergence(
    mean_CD: torch.Tensor, std_CD: torch.Tensor, prior_CD: torch.Tensor, prior_std: float
) -> torch.Tensor:
    """KL(N(mean, std^2) || N(prior, prior_std^2)), summed over all weights."""
    ratio_CD = std_CD / prior_std
    shift_CD = (mean_CD - prior_CD) / prior_std
    return (0.5 * (ratio_CD.square() + shift_CD.square() - 1) - ratio_CD.log()).sum()
