"""Chooses the words, senses, tokens and phrases that the teacher embeds."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from open_clip.tokenizer import SimpleTokenizer

from .wordnet import PHYSICAL, WordNet, is_taxon

_ABSTRACT_NOUNS, _PHRASES, _EXTRA_NOUNS = 12_000, 20_000, 6_000
_SENSE_FLOOR = 0.05
# fmt: off
_LOOKS = [
    "red", "blue", "green", "yellow", "black", "white", "brown", "pink", "orange", "purple", "grey",
    "small", "big", "large", "old", "new", "wooden", "metal", "plastic", "glass", "leather",
    "cotton", "wool", "silk", "striped", "round", "square", "broken", "wet", "dirty", "clean",
    "young", "wild", "cute", "colorful", "empty", "full", "sliced", "cooked", "fresh", "ripe",
    "running", "flying", "sleeping",
]
# fmt: on


@dataclass(frozen=True)
class Vocabulary:
    """What the text tower is taught.

    The first ``visual_count`` lemmas name things that can be photographed.
    """

    lemmas: list[str]
    visual_count: int
    synsets: list[str]
    tokens: list[str]
    phrases: list[tuple[str, str]]


def _choose_lemmas(net: WordNet, classes: list[str], rng: random.Random) -> tuple[list[str], int]:
    def is_common_noun(lemma: str) -> bool:
        named = all(net.synsets[o].is_instance for o in net.senses[lemma])
        return len(lemma) > 1 and not named and not is_taxon(lemma)

    nouns = [lemma for lemma in net.senses if is_common_noun(lemma)]
    names = {word.lower() for offset in classes for word in net.synsets[offset].lemmas}
    visual = [
        lemma
        for lemma in nouns
        if lemma in names or any(net.synsets[o].lexicon in PHYSICAL for o in net.senses[lemma])
    ]
    chosen = set(visual)
    abstract = [lemma for lemma in nouns if lemma not in chosen and " " not in lemma]
    rng.shuffle(abstract)
    return visual + sorted(abstract[:_ABSTRACT_NOUNS]), len(visual)


def _choose_synsets(net: WordNet, lemmas: list[str], classes: list[str]) -> list[str]:
    chosen = {
        offset
        for offset, synset in net.synsets.items()
        if synset.is_top or (synset.is_physical and not synset.is_taxon)
    }
    chosen.update(classes)
    for lemma in lemmas:
        chosen.update(o for o, weight in net.sense_weights(lemma) if weight > _SENSE_FLOOR)
    return sorted(net.with_ancestors(chosen))


def token_words() -> list[str]:
    """Each entry of the CLIP vocabulary as a plain word, or '' where it is not one."""
    tokenizer = SimpleTokenizer()
    words = [tokenizer.decoder[i].replace("</w>", "").strip() for i in range(tokenizer.vocab_size)]
    return [word if re.fullmatch(r"[a-z0-9'&+.-]+", word) else "" for word in words]


def _choose_phrases(net: WordNet, visual: list[str], rng: random.Random) -> list[tuple[str, str]]:
    plain = [lemma for lemma in visual if lemma.isalpha() and 3 <= len(lemma) <= 12]
    # Words with several senses are the common ones.
    nouns = [lemma for lemma in plain if len(net.senses[lemma]) >= 2]
    nouns += rng.sample(plain, _EXTRA_NOUNS)
    pairs = {
        (rng.choice(_LOOKS if rng.random() < 0.5 else net.adjectives), rng.choice(nouns))
        for _ in range(_PHRASES)
    }
    return sorted(pairs)


def choose_vocabulary(net: WordNet, classes: list[str], seed: int) -> Vocabulary:
    """Picks everything the teacher has to embed; ``classes`` are ImageNet's synsets."""
    rng = random.Random(seed)
    lemmas, visual_count = _choose_lemmas(net, classes, rng)
    synsets = _choose_synsets(net, lemmas, classes)
    tokens = sorted(set(token_words()) - {""})
    phrases = _choose_phrases(net, lemmas[:visual_count], rng)
    return Vocabulary(lemmas, visual_count, synsets, tokens, phrases)
