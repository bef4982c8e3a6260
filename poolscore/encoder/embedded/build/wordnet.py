"""Reads WordNet 3.0's noun and adjective files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PHYSICAL = {
    5: "animal",
    6: "artifact",
    8: "body",
    13: "food",
    17: "object",
    18: "person",
    20: "plant",
    27: "substance",
}
_TOPS = 3
# fmt: off
_TAXA = frozenset({
    "genus", "family", "order", "suborder", "subfamily", "class", "subclass", "phylum",
    "superfamily",
})
# fmt: on
_SENSE_DECAY, _ABSTRACT_SENSE, _NAMED_THING = 0.6, 0.15, 0.05


@dataclass(frozen=True)
class Synset:
    """One noun sense. ``lexicon`` is WordNet's lexicographer file number."""

    lexicon: int
    lemmas: tuple[str, ...]
    parents: tuple[str, ...]
    is_instance: bool
    gloss: str

    @property
    def is_physical(self) -> bool:
        """Whether the sense names something that can stand in a photograph."""
        return self.lexicon in PHYSICAL and not self.is_instance

    @property
    def is_taxon(self) -> bool:
        """Whether the sense is a rank of biology such as a genus."""
        return is_taxon(self.lemmas[0])

    @property
    def is_top(self) -> bool:
        """Whether the sense belongs to the roots of the tree."""
        return self.lexicon == _TOPS


def is_taxon(lemma: str) -> bool:
    """Whether a lemma is spelt like a rank of biology ("genus Rosa")."""
    return lemma.split()[0].lower() in _TAXA


@dataclass(frozen=True)
class WordNet:
    """Nouns by offset, and for each lemma its senses, most frequent first."""

    synsets: dict[str, Synset]
    senses: dict[str, list[str]]
    adjectives: list[str]

    def sense_weights(self, lemma: str) -> list[tuple[str, float]]:
        """Senses of a lemma with weights that sum to 1; physical and frequent senses count most."""
        weights: list[tuple[str, float]] = []
        for rank, offset in enumerate(self.senses[lemma]):
            synset = self.synsets[offset]
            weight = _SENSE_DECAY**rank
            weight *= 1.0 if synset.lexicon in PHYSICAL else _ABSTRACT_SENSE
            weight *= _NAMED_THING if synset.is_instance else 1.0
            weights.append((offset, weight))
        total = sum(weight for _, weight in weights)
        return [(offset, weight / total) for offset, weight in weights]

    def with_ancestors(self, offsets: set[str]) -> set[str]:
        """The given senses and everything above them."""
        closed, stack = set(offsets), list(offsets)
        while stack:
            for parent in self.synsets[stack.pop()].parents:
                if parent not in closed:
                    closed.add(parent)
                    stack.append(parent)
        return closed


def _records(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8") as stream:
        yield from (line.rstrip() for line in stream if not line.startswith("  "))


def _parse_synset(line: str) -> tuple[str, Synset]:
    head, gloss = line.split(" | ", 1)
    words = head.split(" ")
    count = int(words[3], 16)
    lemmas = tuple(word.replace("_", " ") for word in words[4 : 4 + 2 * count : 2])
    at = 4 + 2 * count
    pointers = [words[k : k + 4] for k in range(at + 1, at + 1 + 4 * int(words[at]), 4)]
    kinds = [tuple(p[1] for p in pointers if p[0] == s and p[2] == "n") for s in ("@", "@i")]
    definition = re.split(r'; "|: "', gloss)[0].strip().strip(";")
    synset = Synset(int(words[1]), lemmas, kinds[0] or kinds[1], bool(kinds[1]), definition)
    return words[0], synset


def _parse_senses(line: str) -> tuple[str, list[str]]:
    words = line.split()
    at = 4 + int(words[3]) + 2
    return words[0].replace("_", " "), words[at : at + int(words[2])]


def _common_adjectives(path: Path) -> list[str]:
    found: list[str] = []
    for line in _records(path):
        words = line.split()
        if int(words[5 + int(words[3])]) >= 1 and words[0].isalpha():
            found.append(words[0])
    return sorted(found)


def load_wordnet(folder: Path) -> WordNet:
    """Reads ``data.noun``, ``index.noun`` and ``index.adj``."""
    synsets = dict(map(_parse_synset, _records(folder / "data.noun")))
    senses = dict(map(_parse_senses, _records(folder / "index.noun")))
    return WordNet(synsets, senses, _common_adjectives(folder / "index.adj"))
