"""all-MiniLM-L6-v2 in plain torch: a 6-layer BERT with mean pooling and unit length.

Shapes: B texts, T tokens, D = 384 features, H = 12 heads of K = 32.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

_LAYERS, _HEADS, _EPS = 6, 12, 1e-12


class MiniLM:
    """The frozen sentence encoder; ``encode`` turns texts into unit vectors (n, 384)."""

    def __init__(self, folder: Path, max_tokens: int = 32) -> None:
        """Reads weights and tokenizer; texts are cut after ``max_tokens``."""
        # Imported here: the tokenizer package is needed by this class only.
        from tokenizers import Tokenizer  # pyright: ignore[reportMissingImports]

        stored = load_file(folder / "model.safetensors")
        self._weights = {
            name.removeprefix("bert."): value.to(torch.bfloat16)
            for name, value in stored.items()
            if value.is_floating_point()
        }
        self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(max_tokens)

    def _linear(self, x: Tensor, name: str) -> Tensor:
        return functional.linear(x, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])

    def _norm(self, x: Tensor, name: str) -> Tensor:
        weight, bias = self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
        return functional.layer_norm(x, weight.shape, weight, bias, _EPS)

    def _layer(self, x_BTD: Tensor, keep_B11T: Tensor, index: int) -> Tensor:
        name = f"encoder.layer.{index}"
        batch, length, width = x_BTD.shape
        q, k, v = (
            self._linear(x_BTD, f"{name}.attention.self.{part}")
            .view(batch, length, _HEADS, width // _HEADS)
            .transpose(1, 2)
            for part in ("query", "key", "value")
        )
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=keep_B11T)
        mixed = self._linear(
            mixed.transpose(1, 2).reshape(batch, length, width), f"{name}.attention.output.dense"
        )
        x_BTD = self._norm(x_BTD + mixed, f"{name}.attention.output.LayerNorm")
        hidden = functional.gelu(self._linear(x_BTD, f"{name}.intermediate.dense"))
        out = x_BTD + self._linear(hidden, f"{name}.output.dense")
        return self._norm(out, f"{name}.output.LayerNorm")

    @torch.inference_mode()
    def _forward(self, ids_BT: Tensor, keep_BT: Tensor) -> Tensor:
        weights = self._weights
        x_BTD = weights["embeddings.word_embeddings.weight"][ids_BT]
        x_BTD = x_BTD + weights["embeddings.position_embeddings.weight"][: ids_BT.shape[1]]
        x_BTD = x_BTD + weights["embeddings.token_type_embeddings.weight"][0]
        x_BTD = self._norm(x_BTD, "embeddings.LayerNorm")
        for index in range(_LAYERS):
            x_BTD = self._layer(x_BTD, keep_BT[:, None, None, :], index)
        share_BT1 = keep_BT[..., None].float()
        mean_BD = (x_BTD.float() * share_BT1).sum(1) / share_BT1.sum(1)
        return functional.normalize(mean_BD, dim=-1)

    def encode(self, texts: Sequence[str], batch: int = 256) -> Tensor:
        """Unit vectors (n, 384) of texts, in their order; long texts are cut."""
        ids = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        out = torch.empty(len(ids), self._weights["embeddings.LayerNorm.weight"].shape[0])
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            length = len(ids[rows[-1]])
            padded = torch.tensor([ids[i] + [0] * (length - len(ids[i])) for i in rows])
            sizes = torch.tensor([len(ids[i]) for i in rows])
            keep = torch.arange(length)[None, :] < sizes[:, None]
            out[torch.tensor(rows)] = self._forward(padded, keep)
        return out
