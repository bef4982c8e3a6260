"""Made-up feature maps that look to the trunk like photographs of given classes.

Model inversion in the style of DeepInversion (Yin et al., CVPR 2020), but on the input of the
trunk's last block instead of on pixels, which costs far less. The maps start from made-up pictures
whose channels are crossed late in the trunk; they are then moved until the classifier says what was
asked and each batch has the means and variances that the batch-norm layers recorded in training.

Shapes: N samples, C = 1,000 classes, F = 1,280 pooled features.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from timm.layers.norm_act import BatchNormAct2d
from timm.models.efficientnet import EfficientNet
from torch import Tensor, nn
from torch.nn import functional

from .config import CLASS_COUNT, InversionConfig

_LAST_BLOCK = 6
MIDDLE_BLOCK = 5
_SPREAD_FLOOR = 1e-3
_RELATED = 20


def run_layers(layers: Sequence[nn.Module], x: Tensor) -> Tensor:
    """Applies layers one after another."""
    for layer in layers:
        x = layer(x)
    return x


def head_layers(trunk: EfficientNet, block: int) -> list[nn.Module]:
    """The trunk from a block on up to its last feature map (before pooling)."""
    return [*list(trunk.blocks)[block:], trunk.conv_head, trunk.bn2]


class _Recorder:
    """Measures how far a batch is from the statistics that batch norm recorded in training."""

    def __init__(self, layers: Sequence[nn.Module]) -> None:
        self._terms: list[Tensor] = []
        self._hooks = [
            module.register_forward_pre_hook(self._observe)
            for layer in layers
            for module in layer.modules()
            if isinstance(module, BatchNormAct2d)
        ]

    def _observe(self, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        usual_mean, usual_spread = module.running_mean, module.running_var
        assert isinstance(usual_mean, Tensor)
        assert isinstance(usual_spread, Tensor)
        usual = usual_spread.clamp_min(_SPREAD_FLOOR)
        spread, mean = torch.var_mean(inputs[0], (0, 2, 3), unbiased=False)
        off_mean = ((mean - usual_mean) ** 2 / usual).mean()
        self._terms.append(off_mean + ((spread / usual).sqrt() - 1).pow(2).mean())

    def take(self) -> Tensor:
        """Sum over layers since the last call."""
        total = torch.stack(self._terms).sum()
        self._terms.clear()
        return total

    def close(self) -> None:
        """Stops observing."""
        for hook in self._hooks:
            hook.remove()


def draw_targets(classifier_CF: Tensor, count: int, rng: torch.Generator) -> Tensor:
    """Class probabilities (N, C): one main class, some related ones, a little of everything."""
    unit_CF = functional.normalize(classifier_CF, dim=1)
    related_CK = (unit_CF @ unit_CF.T).topk(_RELATED, 1).indices[:, 1:]
    main_N = torch.randint(CLASS_COUNT, (count,), generator=rng)
    share_N1 = 0.4 + 0.55 * torch.rand(count, 1, generator=rng)
    picks = torch.randint(_RELATED - 1, (count, 3), generator=rng)
    weights = torch.rand(count, 3, generator=rng)
    weights = weights / weights.sum(1, keepdim=True) * (0.98 - share_N1)
    out_NC = torch.full((count, CLASS_COUNT), 0.02 / CLASS_COUNT)
    out_NC.scatter_add_(1, main_N[:, None], share_N1)
    return out_NC.scatter_add_(1, related_CK[main_N].gather(1, picks), weights)


def cross_maps(maps: Tensor, count: int, rng: torch.Generator) -> Tensor:
    """Maps (N, channels, height, width) with channels of one picture and some of another."""
    first, second = torch.randint(len(maps), (2, count), generator=rng)
    odds = 0.6 * torch.rand(count, 1, 1, 1, generator=rng)
    odds = odds * (torch.rand(count, 1, 1, 1, generator=rng) < 0.7)
    swap = torch.rand(count, maps.shape[1], 1, 1, generator=rng) < odds
    return torch.where(swap, maps[second].float(), maps[first].float())


@torch.inference_mode()
def picture_features(trunk: EfficientNet, pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Pooled features (n, F) of normalised pictures, and their maps at ``MIDDLE_BLOCK`` in fp16."""
    blocks = list(trunk.blocks)
    channels_last = pictures.contiguous(memory_format=torch.channels_last)
    maps = run_layers([trunk.conv_stem, trunk.bn1, *blocks[:MIDDLE_BLOCK]], channels_last)
    pooled = run_layers(head_layers(trunk, MIDDLE_BLOCK), maps).mean((2, 3))
    return pooled.clone(), maps.half().clone()


def invert(
    trunk: EfficientNet, maps: Tensor, config: InversionConfig, seed: int
) -> Iterator[Tensor]:
    """Yields pooled features (n, F), a batch at a time.

    ``maps`` are made-up pictures' maps at the input of ``MIDDLE_BLOCK``. Each sample is kept at
    several moments on its way, so that both sure and unsure pictures are present.
    """
    rng = torch.Generator().manual_seed(seed)
    trunk.requires_grad_(False)
    between = list(trunk.blocks)[MIDDLE_BLOCK:_LAST_BLOCK]
    tail = head_layers(trunk, _LAST_BLOCK)
    recorder = _Recorder(tail)
    classifier = trunk.classifier
    assert isinstance(classifier, nn.Linear)
    for _ in range(config.batches):
        with torch.no_grad():
            start = run_layers(between, cross_maps(maps, config.batch, rng))
        unit = start.std((0, 2, 3), keepdim=True)
        target_NC = draw_targets(classifier.weight, config.batch, rng)
        move = torch.zeros_like(start, requires_grad=True)
        optimizer = torch.optim.Adam([move], lr=config.lr, betas=(0.8, 0.99))
        kept: list[Tensor] = []
        for step in range(config.steps):
            pooled_NF = run_layers(tail, start + move * unit).mean((2, 3))
            if step in config.keep:
                kept.append(pooled_NF.detach())
            logits_NC = classifier(pooled_NF)
            loss = functional.kl_div(logits_NC.log_softmax(1), target_NC, reduction="batchmean")
            loss = loss + config.statistics_weight * recorder.take()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        yield torch.cat(kept)
    recorder.close()
