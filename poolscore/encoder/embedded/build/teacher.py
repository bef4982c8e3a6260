"""Embeds the vocabulary with the sentence encoder, in parts that are stored one by one."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from .minilm import MiniLM
from .vocabulary import Vocabulary
from .wordnet import WordNet

PARTS = ("glosses", "lemmas", "tokens", "phrases")


def _texts(part: str, net: WordNet, vocabulary: Vocabulary) -> list[str]:
    if part == "lemmas":
        return vocabulary.lemmas
    if part == "tokens":
        return vocabulary.tokens
    if part == "phrases":
        return [f"{adjective} {noun}" for adjective, noun in vocabulary.phrases]
    synsets = (net.synsets[offset] for offset in vocabulary.synsets)
    return [f"{', '.join(synset.lemmas[:2])}: {synset.gloss}" for synset in synsets]


def embed_part(part: str, folder: Path, net: WordNet, vocabulary: Vocabulary) -> Tensor:
    """Unit vectors (n, 384), fp16, of one of ``PARTS``; ``folder`` holds the encoder."""
    return MiniLM(folder).encode(_texts(part, net, vocabulary)).to(torch.float16)
