"""Fits open_clip's two-layer image head to the semantic and residual targets.

Shapes: N samples, C = 1,000 classes, F = 1,280 pooled features, H = 768 hidden, W = 96 semantic,
R = 288 residual.
"""

from __future__ import annotations

import math
import time

import torch
from timm.layers.mlp import Mlp
from torch import Tensor, nn
from torch.nn import functional

from .config import HeadConfig
from .conse import Classifier, Residual, fit_residual
from .madeup import FeatureSampler

_CLUSTER_ROUNDS = 25
_EVIDENCE_SLOPE, _LINEAR_OFFSET = 1.7, 2.5


def _cluster(points: Tensor, count: int, seed: int) -> Tensor:
    """Cluster number of each row by k-means on directions."""
    rng = torch.Generator().manual_seed(seed)
    centres = points[torch.randperm(len(points), generator=rng)[:count]]
    owner = (points @ centres.T).argmax(1)
    for _ in range(_CLUSTER_ROUNDS):
        sums = torch.zeros_like(centres).index_add_(0, owner, points)
        empty = torch.bincount(owner, minlength=count) == 0
        centres = functional.normalize(torch.where(empty[:, None], centres, sums), dim=1)
        owner = (points @ centres.T).argmax(1)
    return owner


def ridge(inputs: Tensor, outputs: Tensor, strength: float = 1e-3) -> tuple[Tensor, Tensor]:
    """Weight (outputs, inputs) and bias of the best linear map."""
    mean_in, mean_out = inputs.mean(0), outputs.mean(0)
    centred = (inputs - mean_in).double()
    gram = centred.T @ centred / len(inputs)
    gram += strength * gram.diagonal().mean() * torch.eye(len(gram), dtype=torch.float64)
    cross = centred.T @ (outputs - mean_out).double() / len(inputs)
    weight = torch.linalg.solve(gram, cross).float()
    return weight.T, mean_out - mean_in @ weight


class HeadFitter:
    """Builds the head: a start in closed form, gradient steps, then the residual rows once more."""

    def __init__(
        self,
        classifier: Classifier,
        classes_CW: Tensor,
        nouns_LW: Tensor,
        stored_NF: Tensor,
        config: HeadConfig,
        seed: int,
    ) -> None:
        """Prepares sampler and residual; ``stored_NF`` are the stored samples."""
        self.classifier, self.classes_CW, self.config = classifier, classes_CW, config
        self.nouns_LW, self.seed = nouns_LW, seed
        self._rng = torch.Generator().manual_seed(seed)
        self.width = classes_CW.shape[1]
        self.sampler = FeatureSampler(stored_NF, classifier.weight_CF, config.push, seed)
        self.residual: Residual = fit_residual(
            self.sampler.draw(config.basis_samples), config.embed_dim - self.width, config
        )

    def semantic(self, x_NF: Tensor) -> Tensor:
        """Semantic target (N, W)."""
        return self.classifier.conse(x_NF, self.classes_CW, self.config)

    def _first_layer(self, x_NF: Tensor) -> tuple[Tensor, Tensor]:
        """Evidence units for clusters of classes, then nearly linear principal units."""
        config, rows_CF = self.config, self.classifier.weight_CF
        hidden = 2 * config.embed_dim
        groups = hidden - config.linear_units
        points = torch.cat([functional.normalize(rows_CF, dim=1), 0.7 * self.classes_CW], 1)
        owner_C = _cluster(points, groups, self.seed)
        sums = torch.zeros(groups, rows_CF.shape[1]).index_add_(0, owner_C, rows_CF)
        sizes = torch.bincount(owner_C, minlength=groups)
        evidence = torch.where(
            sizes[:, None] > 0, sums / sizes.clamp_min(1)[:, None], rows_CF[:groups]
        )
        reply = x_NF @ evidence.T
        scale = _EVIDENCE_SLOPE / reply.std(0)
        bias = -reply.quantile(config.evidence_quantile, dim=0) * scale
        mean_F = x_NF.mean(0)
        values, vectors = torch.linalg.eigh(torch.cov(x_NF.T).double())
        values, vectors = values.flip(0)[: config.linear_units], vectors.flip(1)
        principal = (vectors[:, : config.linear_units] / values.sqrt()).T.float()
        weight = torch.cat([evidence * scale[:, None], principal])
        return weight, torch.cat([bias, _LINEAR_OFFSET - principal @ mean_F])

    def start(self) -> Mlp:
        """The head before any gradient step."""
        x_NF = self.sampler.draw(self.config.start_samples)
        head = Mlp(x_NF.shape[1], 2 * self.config.embed_dim, self.config.embed_dim)
        weight, bias = self._first_layer(x_NF)
        with torch.no_grad():
            head.fc1.weight.copy_(weight)
            assert head.fc1.bias is not None
            head.fc1.bias.copy_(bias)
            target = torch.cat([self.semantic(x_NF), self.residual.target(x_NF)], 1)
            weight, bias = ridge(functional.gelu(head.fc1(x_NF)), target)
            head.fc2.weight.copy_(weight)
            assert head.fc2.bias is not None
            head.fc2.bias.copy_(bias)
        return head

    def _names(self) -> Tensor:
        """All classes and some random nouns, scaled so that a softmax over them is sharp."""
        rows = torch.randint(len(self.nouns_LW), (self.config.nouns,), generator=self._rng)
        return torch.cat([self.classes_CW, self.nouns_LW[rows]]) / self.config.closeness_temperature

    def loss(self, out_ND: Tensor, x_NF: Tensor) -> Tensor:
        """Direction, length and neighbourhood of the semantic part; plain error of the residual."""
        semantic, residual = out_ND[:, : self.width], out_ND[:, self.width :]
        target = self.semantic(x_NF)
        a, s = functional.normalize(semantic, dim=1), functional.normalize(target, dim=1)
        names = self._names()
        near = (s @ names.T).softmax(1)
        seen = (a @ names.T).log_softmax(1)
        closeness = functional.kl_div(seen, near, reduction="batchmean")
        off = (residual - self.residual.target(x_NF)).pow(2).sum(1).mean()
        direction = (1 - (a * s).sum(1)).mean()
        length = (semantic - target).pow(2).sum(1).mean()
        return (
            direction
            + 2 * length
            + self.config.closeness_weight * closeness
            + self.config.residual_weight * off
        )

    def fit(self) -> Mlp:
        """The finished head (F to W + R), unrotated; prints progress."""
        config, head = self.config, self.start()
        optimizer = torch.optim.AdamW(
            head.parameters(), lr=config.lr, weight_decay=1e-4, betas=(0.9, 0.99)
        )

        def rate(step: int) -> float:
            cosine = 0.5 * (1 + math.cos(math.pi * step / config.steps))
            return min(1.0, (step + 1) / 50) * (cosine + 0.005)

        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
        assert isinstance(head.fc1.weight, nn.Parameter)
        assert isinstance(head.fc1.bias, nn.Parameter)
        for parameter in (head.fc1.weight, head.fc1.bias):
            # The nearly linear units stay as they are: the residual is read from them.
            parameter.register_hook(self._without_linear_units)
        begin = time.monotonic()
        for step in range(config.steps):
            x_NF = self.sampler.draw(config.batch)
            loss = self.loss(head(x_NF), x_NF)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            if (step + 1) % 100 == 0:
                seconds = round(time.monotonic() - begin)
                print(f"head {step + 1} loss {loss.item():.4f} {seconds} s", flush=True)
        self._refit_residual(head)
        return head.eval()

    def _without_linear_units(self, gradient: Tensor) -> Tensor:
        gradient = gradient.clone()
        gradient[-self.config.linear_units :] = 0
        return gradient

    @torch.no_grad()
    def _refit_residual(self, head: Mlp) -> None:
        x_NF = self.sampler.draw(self.config.start_samples)
        weight, bias = ridge(functional.gelu(head.fc1(x_NF)), self.residual.target(x_NF))
        head.fc2.weight[self.width :] = weight
        assert isinstance(head.fc2.bias, nn.Parameter)
        head.fc2.bias[self.width :] = bias


@torch.no_grad()
def fidelity(fitter: HeadFitter, head: nn.Module, x_NF: Tensor) -> dict[str, float]:
    """How closely the head follows its teacher on features it may not have seen."""
    out, width = head(x_NF), fitter.width
    a = functional.normalize(out[:, :width], dim=1)
    s = functional.normalize(fitter.semantic(x_NF), dim=1)
    nearest = [(v @ fitter.classes_CW.T).argmax(1) for v in (a, s)]
    residual = functional.cosine_similarity(out[:, width:], fitter.residual.target(x_NF))
    return {
        "cosine": round(float((a * s).sum(1).mean()), 4),
        "nearest_class": round(float((nearest[0] == nearest[1]).float().mean()), 4),
        "residual_cosine": round(float(residual.mean()), 4),
    }
