"""The shared semantic space: one unit vector for each sense and each noun.

A sense's vector is its names' mean, its gloss and its parents' vector; parents are themselves built
that way, so a sense resembles its neighbours in WordNet's tree. A noun's vector is its own name
plus glosses and parents of its senses, weighted by how physical and frequent each sense is.

Shapes: S senses, L lemmas, D = 384 teacher features, W = 96 kept features.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from .config import SpaceConfig
from .vocabulary import Vocabulary
from .wordnet import WordNet

_NAMES_PER_SENSE = 4
_PARENT_SHARE = 0.8


def unit(x: Tensor) -> Tensor:
    """Rows scaled to length 1."""
    return functional.normalize(x, dim=-1, eps=1e-8)


@dataclass(frozen=True)
class Projection:
    """Keeps the directions in which nouns differ most; ``apply`` gives unit vectors (n, W)."""

    mean_D: Tensor
    basis_DW: Tensor

    def apply(self, x_ND: Tensor) -> Tensor:
        """Projects and scales to length 1."""
        return unit((x_ND - self.mean_D) @ self.basis_DW)


@dataclass(frozen=True)
class SemanticSpace:
    """Vectors of senses and lemmas; ``name_mean_D`` centres any other text's teacher vector."""

    vocabulary: Vocabulary
    sense_row: dict[str, int]
    lemma_row: dict[str, int]
    senses_SD: Tensor
    lemmas_LD: Tensor
    name_mean_D: Tensor

    def centred(self, teacher_ND: Tensor) -> Tensor:
        """Teacher vectors of names without what all names share, unit length."""
        return unit(teacher_ND.float() - self.name_mean_D)

    def class_vectors(self, classes: list[str]) -> Tensor:
        """Vectors (n, D) of senses given by offset."""
        return self.senses_SD[[self.sense_row[offset] for offset in classes]]

    def projection(self, classes: list[str], config: SpaceConfig) -> Projection:
        """Principal directions of ImageNet's classes and of all visual nouns, half and half."""
        groups = (
            self.class_vectors(classes).double(),
            self.lemmas_LD[: self.vocabulary.visual_count].double(),
        )
        mean = sum((g.mean(0) for g in groups), torch.zeros(())) / 2
        spread = sum(((g - mean).T @ (g - mean) / len(g) for g in groups), torch.zeros(())) / 2
        values, vectors = torch.linalg.eigh(spread)
        values, vectors = values.flip(0)[: config.dim], vectors.flip(1)[:, : config.dim]
        # The sign of an eigenvector is arbitrary; fix it so that every machine agrees.
        vectors = vectors * vectors.gather(0, vectors.abs().argmax(0)[None]).sign()
        basis = vectors * (values / values[0]) ** (-config.whitening / 2)
        return Projection(mean.float(), basis.float())


def _sense_vectors(
    net: WordNet, vocabulary: Vocabulary, names: Tensor, glosses: Tensor, config: SpaceConfig
) -> Tensor:
    lemma_row = {lemma: i for i, lemma in enumerate(vocabulary.lemmas)}
    sense_row = {offset: i for i, offset in enumerate(vocabulary.synsets)}
    own = torch.empty_like(glosses)
    for i, offset in enumerate(vocabulary.synsets):
        words = (word.lower() for word in net.synsets[offset].lemmas[:_NAMES_PER_SENSE])
        rows = [lemma_row[word] for word in words if word in lemma_row]
        name = unit(names[rows].mean(0)) if rows else glosses[i]
        own[i] = unit(name + config.gloss_weight * glosses[i])
    done: dict[str, Tensor] = {}

    def vector(offset: str, depth: int = 0) -> Tensor:
        if offset not in done:
            # WordNet's tree is under 20 deep; the limit only guards against a cycle.
            parents = net.synsets[offset].parents if depth < 60 else ()
            above = [vector(parent, depth + 1) for parent in parents if parent != offset]
            mixed = own[sense_row[offset]]
            if above:
                mixed = mixed + config.parent_weight * unit(torch.stack(above).sum(0))
            done[offset] = unit(mixed)
        return done[offset]

    return torch.stack([vector(offset) for offset in vocabulary.synsets])


def _lemma_vectors(
    net: WordNet,
    vocabulary: Vocabulary,
    names: Tensor,
    glosses: Tensor,
    senses: Tensor,
    config: SpaceConfig,
) -> Tensor:
    sense_row = {offset: i for i, offset in enumerate(vocabulary.synsets)}
    share = config.parent_weight * (1 + config.gloss_weight) * _PARENT_SHARE
    known = torch.zeros_like(glosses)
    for i, offset in enumerate(vocabulary.synsets):
        parents = [sense_row[parent] for parent in net.synsets[offset].parents]
        known[i] = config.gloss_weight * glosses[i]
        if parents:
            known[i] += share * unit(senses[parents].sum(0))
    out = torch.empty_like(names)
    for j, lemma in enumerate(vocabulary.lemmas):
        pairs = [(sense_row[o], w) for o, w in net.sense_weights(lemma) if o in sense_row]
        rows = [row for row, _ in pairs]
        weights = torch.tensor([weight for _, weight in pairs])
        out[j] = names[j] + weights @ known[rows]
    return unit(out)


def build_space(
    net: WordNet, vocabulary: Vocabulary, teacher: dict[str, Tensor], config: SpaceConfig
) -> SemanticSpace:
    """Builds the space from the teacher's vectors of "lemmas" and "glosses"."""
    raw_names, raw_glosses = teacher["lemmas"].float(), teacher["glosses"].float()
    name_mean = raw_names[: vocabulary.visual_count].mean(0)
    names, glosses = unit(raw_names - name_mean), unit(raw_glosses - raw_glosses.mean(0))
    senses = _sense_vectors(net, vocabulary, names, glosses, config)
    lemmas = _lemma_vectors(net, vocabulary, names, glosses, senses, config)
    return SemanticSpace(
        vocabulary,
        {offset: i for i, offset in enumerate(vocabulary.synsets)},
        {lemma: i for i, lemma in enumerate(vocabulary.lemmas)},
        senses,
        lemmas,
        name_mean,
    )
