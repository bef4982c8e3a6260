"""Vectors of ImageNet's classes as the finished text tower and the semantic space see them.

Shapes: C = 1,000 classes, W = 96 semantic features.
"""

from __future__ import annotations

import torch
from open_clip.tokenizer import SimpleTokenizer
from torch import Tensor

from .clip import ClipModel
from .space import Projection, SemanticSpace, unit
from .texttower import TextTower, encode_ids
from .wordnet import WordNet

_WORDINGS = ("a photo of a {}.", "{}", "a close-up photo of the {}.", "a picture of a {}")
_OTHER_NAME = 0.5


@torch.no_grad()
def _student_vector(
    model: ClipModel, tower: TextTower, tokenizer: SimpleTokenizer, names: list[str]
) -> Tensor:
    weights = torch.tensor([1.0] + [_OTHER_NAME] * (len(names) - 1))
    total = torch.zeros(tower.output_WW.shape[1])
    for wording in _WORDINGS:
        ids = tokenizer([wording.format(name) for name in names])
        total += weights @ unit(encode_ids(model, ids) @ tower.output_WW)
    return total


def class_vectors(
    net: WordNet,
    space: SemanticSpace,
    projection: Projection,
    classes: list[str],
    model: ClipModel,
    tower: TextTower,
) -> Tensor:
    """Unit vectors (C, W): half the tower's own view of each class's names, half the space's.

    ``model`` must hold the tower's weights.
    """
    names = [[name.lower() for name in net.synsets[offset].lemmas] for offset in classes]
    tokenizer = SimpleTokenizer()
    seen = unit(torch.stack([_student_vector(model, tower, tokenizer, group) for group in names]))
    return unit(seen + projection.apply(space.class_vectors(classes)))
