"""Measures the model on labelled pictures: ``python -m poolscore.encoder.embedded.build.evaluate``.

Each ``--data`` folder holds ``labels.csv`` with the columns path, label and, where given, split;
rows of the split "test" are used. Zero-shot names each class in "a photo of a {}."; both probes
learn from one half of the pictures and are tested on the other (seed 0).

Shapes: N pictures, D embedding features, C classes.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from .config import MODEL_NAME

HERE = Path(__file__).resolve().parent.parent
PROMPT = "a photo of a {}."


@dataclass(frozen=True)
class LabelledSet:
    """Picture files with class numbers (N,) and the classes' names."""

    files: list[Path]
    labels_N: Tensor
    names: list[str]


def read_set(folder: Path, split: str = "test") -> LabelledSet:
    """Reads ``labels.csv``; without a split column every row is used."""
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row.get("split", split) == split]
    names = sorted({row["label"] for row in rows})
    labels = torch.tensor([names.index(row["label"]) for row in rows])
    plain = [name.replace("_", " ").lower() for name in names]
    return LabelledSet([folder / row["path"] for row in rows], labels, plain)


class Encoder:
    """The model file, loaded through open_clip's public functions only."""

    def __init__(self, config: Path, weights: Path) -> None:
        """Loads the files; ``config`` is open_clip's model description."""
        open_clip.add_model_config(config)
        loaded = open_clip.create_model_and_transforms(MODEL_NAME, pretrained=str(weights))
        self.model: Any = loaded[0].eval()
        self._transform: Any = loaded[2]
        self._tokenizer = open_clip.get_tokenizer(MODEL_NAME)

    @torch.inference_mode()
    def images(self, files: Sequence[Path], batch: int = 32) -> Tensor:
        """Unit embeddings (N, D)."""
        parts: list[Tensor] = []
        for start in range(0, len(files), batch):
            opened = (Image.open(file).convert("RGB") for file in files[start : start + batch])
            pixels = torch.stack([self._transform(image) for image in opened])
            parts.append(self.model.encode_image(pixels, normalize=True).clone())
        return torch.cat(parts)

    @torch.inference_mode()
    def texts(self, names: Sequence[str]) -> Tensor:
        """Unit embeddings (C, D) of the names in the prompt."""
        ids = self._tokenizer([PROMPT.format(name) for name in names])
        return self.model.encode_text(ids, normalize=True).clone()


def halves(labels_N: Tensor, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Row numbers to learn from and to test on."""
    order = torch.from_numpy(np.random.default_rng(seed).permutation(len(labels_N)))
    return order[: len(order) // 2], order[len(order) // 2 :]


def _accuracy(scores: Tensor, labels: Tensor) -> float:
    return round(float((scores.argmax(1) == labels).float().mean()), 4)


def ridge_probe(z_ND: Tensor, labels_N: Tensor, strength: float = 0.05) -> float:
    """Accuracy of least squares onto one-hot labels."""
    learn, test = halves(labels_N)
    wanted = functional.one_hot(labels_N[learn]).to(z_ND.dtype)
    gram = z_ND[learn].T @ z_ND[learn] + strength * torch.eye(z_ND.shape[1])
    solved = torch.linalg.solve(gram, z_ND[learn].T @ wanted)
    return _accuracy(z_ND[test] @ solved, labels_N[test])


def logistic_probe(z_ND: Tensor, labels_N: Tensor, scale: float = 10.0) -> float:
    """Accuracy of multinomial logistic regression with a light penalty."""
    learn, test = halves(labels_N)
    layer = nn.Linear(z_ND.shape[1], int(labels_N.max()) + 1)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    optimizer = torch.optim.LBFGS(layer.parameters(), max_iter=120, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = functional.cross_entropy(layer(scale * z_ND[learn]), labels_N[learn])
        loss = loss + 5e-4 * layer.weight.pow(2).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    with torch.no_grad():
        return _accuracy(layer(scale * z_ND[test]), labels_N[test])


def measure(encoder: Encoder, data: LabelledSet) -> dict[str, float]:
    """Figures of one set."""
    z_ND, texts_CD = encoder.images(data.files).clone(), encoder.texts(data.names).clone()
    return {
        "pictures": len(data.files),
        "classes": len(data.names),
        "zero_shot": _accuracy(z_ND @ texts_CD.T, data.labels_N),
        "ridge_probe": ridge_probe(z_ND, data.labels_N),
        "logistic_probe": logistic_probe(z_ND, data.labels_N),
    }


def main() -> None:
    """Prints one JSON object with the figures of every folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    parser.add_argument("--config", type=Path, default=HERE / f"{MODEL_NAME}.json")
    parser.add_argument("--weights", type=Path, default=HERE / f"{MODEL_NAME}.safetensors")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    encoder = Encoder(arguments.config, arguments.weights)
    figures = {folder.name: measure(encoder, read_set(folder)) for folder in arguments.data}
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
