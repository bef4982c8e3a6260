"""Description augmentation: several texts a class, each with what the class looks like.

arXiv 2311.11178 (PCB, code kaist-dmlab/pcb). Shapes: T texts (one a class and descriptor), C
classes, P prompts, D embedding width.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch.nn.functional import normalize

from poolscore.encoder.prompt_text import PromptTextEncoder

Augmentation = Literal["AS", "AE"]
_IS = ("a", "an", "the", "used", "made")
_BARE = ("is", "has", "are", "have", "can", "may", "often", "usually", "typically")


def described_names(
    classes: Sequence[str], descriptors: Mapping[str, Sequence[str]]
) -> tuple[list[str], torch.Tensor]:
    """Names "{class}, which is/has {descriptor}" [B] and the class (T,) that each belongs to.

    Which verb follows from the descriptor's first word [C]. A class without descriptors keeps its
    bare name [C].
    """
    names: list[str] = []
    owners: list[int] = []
    for index, name in enumerate(classes):
        texts = [f"{name}, which {_clause(each)}" for each in descriptors.get(name, ())] or [name]
        names += texts
        owners += [index] * len(texts)
    return names, torch.tensor(owners)


def average_similarity(
    features_TD: torch.Tensor, owner_T: torch.Tensor, classes: int
) -> torch.Tensor:
    """AS: class columns t_c (C, D) with s <v, t_c> = mean over descriptors of s <v, t_cd> [B].

    Every t_cd is normalised, their mean is not: the product is linear, so one column a class does
    what the code does with all of them. Also takes (P, T, D).
    """
    return _means(normalize(features_TD, dim=-1), owner_T, classes)


def average_embedding(
    features_TD: torch.Tensor, owner_T: torch.Tensor, classes: int
) -> torch.Tensor:
    """AE: t_c = normalize(mean over descriptors of t_cd), t_cd as the tower gives them [B].

    The code has them unnormalised; given normalised ones, all descriptors weigh the same [C].
    """
    return normalize(_means(features_TD, owner_T, classes), dim=-1)


class DescribedPromptText:
    """A text encoder of classes on top of one of described names."""

    def __init__(self, texts: PromptTextEncoder, owner_T: torch.Tensor, how: Augmentation) -> None:
        """`texts` is bound to the names of `described_names`; with `how` "AE" it gives
        normalised features where the code averages unnormalised ones [C]."""
        self._texts = texts
        self._owner_T = owner_T
        self._average = average_similarity if how == "AS" else average_embedding
        self.width = texts.width
        self.num_contexts = texts.num_contexts
        self.num_classes = int(owner_T.max()) + 1

    def __call__(self, contexts_PMW: torch.Tensor) -> torch.Tensor:
        """Features (P, C, D) of shared contexts; for AS shorter than 1."""
        features_PTD = self._texts(contexts_PMW)
        return self._average(features_PTD, self._owner_T.to(features_PTD.device), self.num_classes)


def _means(features: torch.Tensor, owner_T: torch.Tensor, classes: int) -> torch.Tensor:
    of_class_CT = (owner_T == torch.arange(classes, device=owner_T.device)[:, None]).to(features)
    return (of_class_CT / of_class_CT.sum(dim=1, keepdim=True)) @ features


def _clause(descriptor: str) -> str:
    first = descriptor.split(maxsplit=1)[0].lower()
    if first in _BARE:
        return descriptor
    return f"{'is' if first in _IS else 'has'} {descriptor}"
