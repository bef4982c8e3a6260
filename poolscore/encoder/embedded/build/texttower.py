"""Distils the semantic space into open_clip's causal text transformer.

Shapes: B texts, T tokens, W = 96 features.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from .clip import ClipModel
from .config import TextConfig
from .space import unit
from .textdata import Targets, TextSampler
from .vocabulary import token_words

_PARTS = ("token_embedding", "positional_embedding", "transformer.", "ln_final")
_SAME_MEANING = 0.93


def encode_ids(model: ClipModel, ids_BT: Tensor) -> Tensor:
    """State at the end-of-text token (B, W), before any projection; padding is trimmed off."""
    ends_B = ids_BT.argmax(1)
    length = int(ends_B.max()) + 1
    x_BTW = model.token_embedding(ids_BT[:, :length]) + model.positional_embedding[:length]
    x_BTW = model.transformer(x_BTW, attn_mask=model.attn_mask[:length, :length])
    # Only one position is read, so only that one is normalised.
    return model.ln_final(x_BTW[torch.arange(len(ids_BT)), ends_B])


def _encode_by_length(model: ClipModel, ids_BT: Tensor, chunk: int) -> Tensor:
    order = ids_BT.argmax(1).argsort(stable=True)
    parts = [encode_ids(model, ids_BT[rows]) for rows in order.split(chunk)]
    return torch.cat(parts)[order.argsort()]


def start_from_teacher(model: ClipModel, targets: Targets, tokens: list[str], seed: int) -> None:
    """Sets the token table to the teacher's vectors of the tokens themselves."""
    table = model.token_embedding.weight
    rng = torch.Generator().manual_seed(seed)
    start = torch.randn(table.shape, generator=rng) * 0.3
    row = {token: i for i, token in enumerate(tokens)}
    for i, word in enumerate(token_words()):
        if len(word) >= 2:
            start[i] = targets.tokens[row[word]] * math.sqrt(table.shape[1])
    with torch.no_grad():
        table.copy_(start * 0.03)
        position = torch.randn(model.positional_embedding.shape, generator=rng)
        model.positional_embedding.copy_(position * 0.01)


def loss_of(z_BW: Tensor, y_BW: Tensor, config: TextConfig) -> Tensor:
    """Cosine to the target, contrast within the batch, and agreement of all similarities."""
    same_BB = y_BW @ y_BW.T
    other = ~torch.eye(len(y_BW), dtype=torch.bool)
    logits_BB = (z_BW @ y_BW.T / config.temperature).masked_fill(
        (same_BB > _SAME_MEANING) & other, -1e4
    )
    index = torch.arange(len(y_BW))
    forth = functional.cross_entropy(logits_BB, index)
    back = functional.cross_entropy(logits_BB.T, index)
    relation = (z_BW @ z_BW.T - same_BB).pow(2).mean()
    cosine = (1 - (z_BW * y_BW).sum(1)).mean()
    contrast = (forth + back) / 2
    return cosine + config.contrast_weight * contrast + config.relation_weight * relation


@dataclass(frozen=True)
class TextTower:
    """Trained weights by open_clip's names, the output matrix (W, W), and held-out figures."""

    weights: dict[str, Tensor]
    output_WW: Tensor
    report: dict[str, float]


class _Trainer:
    def __init__(
        self, model: ClipModel, sampler: TextSampler, targets: Targets, config: TextConfig
    ):
        self.model, self.sampler, self.targets, self.config = model, sampler, targets, config
        width = model.token_embedding.weight.shape[1]
        self.output = nn.Parameter(torch.eye(width) + 0.02 * torch.randn(width, width))
        named = [(n, p) for n, p in model.named_parameters() if n.startswith(_PARTS)]
        table = model.token_embedding.weight
        matrices = [p for n, p in named if p.ndim == 2 and n.startswith("transformer")]
        chosen = {id(p) for p in (*matrices, table)}
        rest = [p for _, p in named if id(p) not in chosen]
        self.parameters = [*matrices, *rest, self.output, table]
        groups = [
            {"params": matrices, "weight_decay": config.weight_decay, "lr": config.lr},
            {"params": [*rest, self.output], "weight_decay": 0.0, "lr": config.lr},
            {"params": [table], "weight_decay": 0.0, "lr": config.table_lr},
        ]
        self.optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.98), fused=True)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, self._rate)

    def _rate(self, step: int) -> float:
        cosine = 0.5 * (1 + math.cos(math.pi * step / self.config.steps))
        return min(1.0, (step + 1) / 100) * (0.99 * cosine + 0.01)

    def step(self, index: int) -> float:
        ids, target = self.sampler.batch(index)
        state = _encode_by_length(self.model, ids, self.config.chunk)
        loss = loss_of(unit(state @ self.output), target, self.config)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.step()
        self.schedule.step()
        return loss.item()

    @torch.no_grad()
    def report(self) -> dict[str, float]:
        out: dict[str, float] = {}
        for name, rows in (("held", self.sampler.held_rows), ("class", self.sampler.class_rows)):
            ids = self.sampler.plain_texts(rows)
            state = _encode_by_length(self.model, ids, 512)
            z, y = unit(state @ self.output), self.targets.lemmas[rows]
            hit = (z @ y.T).argmax(1) == torch.arange(len(rows))
            out[f"{name}_cosine"] = round(float((z * y).sum(1).mean()), 4)
            out[f"{name}_recall"] = round(float(hit.float().mean()), 4)
        return out


def train_text_tower(
    model: ClipModel, sampler: TextSampler, targets: Targets, config: TextConfig
) -> TextTower:
    """Trains the text half of ``model`` in place and returns it; prints progress."""
    trainer = _Trainer(model, sampler, targets, config)
    model.train()
    start, losses = time.monotonic(), list[float]()
    for index in range(config.steps):
        losses.append(trainer.step(index))
        if (index + 1) % 200 == 0 or index in (20, 60):
            recent = sum(losses[-100:]) / len(losses[-100:])
            seconds = round(time.monotonic() - start)
            print(f"text {index + 1} loss {recent:.4f} {trainer.report()} {seconds} s", flush=True)
    model.eval()
    weights = {n: v.detach() for n, v in model.state_dict().items() if n.startswith(_PARTS)}
    return TextTower(weights, trainer.output.detach(), trainer.report())
