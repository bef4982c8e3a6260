"""Synthetic pools with every field that a strategy may need."""

import numpy as np
import torch

from poolscore.acquisition.base import Labeled, Need, PoolView
from poolscore.acquisition.build_view import ViewParts
from poolscore.neighbours.exact import nearest_neighbours
from poolscore.scoring.types import PromptFeatures, Scores

EVERYTHING = frozenset(Need)
DIM = 8


def unit(rows: np.ndarray) -> np.ndarray:
    """Rows scaled to length 1, float32."""
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


def softmax(logits: np.ndarray) -> np.ndarray:
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return (weights / weights.sum(axis=-1, keepdims=True)).astype(np.float32)


def scores_of(probabilities: np.ndarray, p_clean: np.ndarray | None = None) -> Scores:
    """The scores that the kernel would give for these class probabilities."""
    p = np.sort(probabilities.astype(np.float64), axis=1)
    second = p[:, -2] if p.shape[1] > 1 else np.zeros(len(p))
    entropy = -(p * np.log(np.where(p > 0, p, 1.0))).sum(axis=1)
    numbers = (p[:, -1], p[:, -1] - second, entropy, p[:, -1] if p_clean is None else p_clean)
    return Scores(
        probabilities.argmax(axis=1).astype(np.int32),
        *(each.astype(np.float32) for each in numbers),
    )


def labeled_of(
    features: np.ndarray, targets: list[int], probabilities: np.ndarray | None = None
) -> Labeled:
    classes = max(targets, default=0) + 1
    if probabilities is None:
        probabilities = np.full((len(targets), classes), 1.0 / classes)
    return Labeled(
        np.asarray(features, np.float32),
        np.array(targets, np.int64),
        np.asarray(probabilities, np.float32),
    )


def synthetic(
    count: int,
    classes: int,
    *,
    seed: int = 0,
    levels: int = 0,
    labels: int = 12,
    needs: frozenset[Need] = EVERYTHING,
) -> PoolView:
    """A pool whose probabilities follow from its features; few `levels` give duplicates."""
    rng = np.random.default_rng(seed)
    text = unit(rng.normal(size=(classes, DIM)))
    features = unit(rng.normal(size=(levels or count, DIM)))
    if levels:
        features = features[rng.integers(0, levels, count)]
    known = unit(rng.normal(size=(labels, DIM)))
    probabilities = softmax(5.0 * features @ text.T)
    p_clean = features[:, 0] / 2.0 + 0.5
    return PoolView(
        ids=np.array([f"{value:032x}" for value in rng.permutation(count)], dtype=np.str_),
        scores=scores_of(probabilities, p_clean),
        classes=[f"class {k}" for k in range(classes)],
        probabilities_NC=probabilities if Need.PROBABILITIES in needs else None,
        features_ND=features.astype(np.float16) if Need.FEATURES in needs else None,
        neighbours=nearest_neighbours(features) if Need.NEIGHBOURS in needs else None,
        labeled=Labeled(known, rng.integers(0, classes, labels), softmax(5.0 * known @ text.T))
        if Need.LABELED in needs
        else None,
        text_CD=text if Need.TEXT in needs else None,
    )


def parts_of(view: PoolView) -> ViewParts:
    """What the fields of a full view are made of."""
    features_ND, labeled, text_CD = view.features_ND, view.labeled, view.text_CD
    assert features_ND is not None
    assert labeled is not None
    assert text_CD is not None
    return ViewParts(
        ids_N=view.ids,
        scores=view.scores,
        classes=view.classes,
        prompts=lambda: PromptFeatures(torch.from_numpy(text_CD), None, 5.0),
        features=lambda rows: features_ND[rows],
        labeled=lambda: (labeled.features_LD, labeled.targets_L),
    )
