"""Training texts for the text tower: nouns, phrases, glosses and lists in many wordings."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from open_clip.tokenizer import SimpleTokenizer
from open_clip.zero_shot_metadata import OPENAI_IMAGENET_TEMPLATES
from torch import Tensor

from .config import TextConfig
from .space import Projection, SemanticSpace, unit
from .wordnet import WordNet, is_taxon

Ids = list[int]
Example = tuple[Ids, Tensor]

_SLOT = "XSLOT"
_OWN_WORDINGS = (
    f"a picture of a {_SLOT}",
    f"an image of a {_SLOT}",
    f"a photo of an {_SLOT}.",
    f"a photo of {_SLOT}.",
    f"a photo of some {_SLOT}.",
    f"a photo of a person with a {_SLOT}.",
    f"a photo of a {_SLOT}, a type of object.",
    f"a photo of a {_SLOT} on a table.",
    f"a close-up of {_SLOT}",
    f"this is a {_SLOT}",
    f"we can see a {_SLOT} here",
    f"{_SLOT} photo",
    f"the {_SLOT}",
    f"an {_SLOT}",
    f"a {_SLOT}",
    f"{_SLOT}.",
    f"a photo showing the {_SLOT} in the middle of the frame.",
    f"a snapshot taken with a phone of one {_SLOT}",
    f"a high resolution picture, taken outdoors in daylight, of a {_SLOT}.",
)
_LONG_EVERY = 8
_SHORT_CAP, _LONG_CAP = 26, 75


def plural(noun: str) -> str:
    """A plain English plural; irregular nouns are not attempted."""
    if noun.endswith(("s", "x", "z", "ch", "sh")):
        return noun + "es"
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + "s"


@dataclass(frozen=True)
class Targets:
    """Unit vectors (n, W) of everything that can be drawn."""

    lemmas: Tensor
    senses: Tensor
    tokens: Tensor
    phrases: Tensor


def build_targets(
    space: SemanticSpace, projection: Projection, teacher: dict[str, Tensor]
) -> Targets:
    """Projects every vector; a phrase leans on the noun in it."""
    nouns = [space.lemma_row[noun] for _, noun in space.vocabulary.phrases]
    phrases = unit(space.centred(teacher["phrases"]) + 0.6 * space.lemmas_LD[nouns])
    return Targets(
        projection.apply(space.lemmas_LD),
        projection.apply(space.senses_SD),
        projection.apply(space.centred(teacher["tokens"])),
        projection.apply(phrases),
    )


class TextSampler:
    """Draws batches; ``held_rows`` are lemmas that are never shown, kept for measuring."""

    def __init__(
        self,
        net: WordNet,
        space: SemanticSpace,
        targets: Targets,
        classes: list[str],
        config: TextConfig,
        seed: int,
    ) -> None:
        """``classes`` are ImageNet's synsets, which are drawn more often."""
        self._net, self._vocabulary, self._targets = net, space.vocabulary, targets
        self._rng, self._draws = random.Random(seed), np.random.default_rng(seed)
        self._tokenizer = SimpleTokenizer()
        self._encode: Callable[[str], Ids] = self._tokenizer.encode
        words = [word.lower() for offset in classes for word in net.synsets[offset].lemmas]
        self.class_rows = sorted({space.lemma_row[w] for w in words if w in space.lemma_row})
        order = self._draws.permutation(self._vocabulary.visual_count)[: config.held_out]
        self.held_rows = sorted({int(i) for i in order} - set(self.class_rows))
        self._batch = config.batch
        self._lemma_ids = [self._encode(lemma) for lemma in self._vocabulary.lemmas]
        self._odds = self._lemma_odds()
        self._glosses = self._gloss_ids()
        self._gloss_rows = sorted(self._glosses)
        self._words = self._word_ids(set(space.lemma_row))
        self._word_rows = sorted(self._words)
        self._phrases = [self._encode(" ".join(pair)) for pair in self._vocabulary.phrases]
        slots = [template(_SLOT) for template in OPENAI_IMAGENET_TEMPLATES] + list(_OWN_WORDINGS)
        self._wordings = [self._wording(text) for text in slots]
        self._plain = self._wording(f"a photo of a {_SLOT}.")
        self._comma, self._joins = self._encode(","), [self._encode("and a")]
        self._joins.append(self._encode("next to a"))

    def _wording(self, text: str) -> tuple[Ids, Ids]:
        before, after = text.split(_SLOT)
        return self._encode(before), self._encode(after)

    def _lemma_odds(self) -> np.ndarray:
        vocabulary = self._vocabulary
        odds = np.ones(len(vocabulary.lemmas))
        odds[vocabulary.visual_count :] = 0.25
        for i, lemma in enumerate(vocabulary.lemmas):
            senses = len(self._net.senses[lemma])
            odds[i] *= 0.15 if is_taxon(lemma) else 1.0 if " " in lemma else 1.5
            odds[i] *= 3.0 if senses >= 4 else 2.0 if senses >= 2 else 1.0
        odds[self.class_rows] += 0.12 * odds.sum() / len(self.class_rows)
        odds[self.held_rows] = 0.0
        return odds / odds.sum()

    def _gloss_ids(self) -> dict[int, Ids]:
        hidden = {self._vocabulary.lemmas[i] for i in self.held_rows}
        found: dict[int, Ids] = {}
        for i, offset in enumerate(self._vocabulary.synsets):
            synset = self._net.synsets[offset]
            if synset.is_physical and not hidden.intersection(x.lower() for x in synset.lemmas):
                found[i] = self._encode(synset.gloss)[:60]
        return found

    def _word_ids(self, known: set[str]) -> dict[int, Ids]:
        return {
            i: self._encode(word)
            for i, word in enumerate(self._vocabulary.tokens)
            if len(word) >= 3 and word.isalpha() and word not in known
        }

    def _wrap(self, ids: Ids) -> Ids:
        draw = self._rng.random()
        if draw < 0.18:
            return ids
        before, after = self._plain if draw < 0.42 else self._rng.choice(self._wordings)
        return before + ids + after

    def _lemmas(self, count: int) -> list[int]:
        return [int(j) for j in self._draws.choice(len(self._odds), count, p=self._odds)]

    def _noun(self, row: int) -> Example:
        ids = self._lemma_ids[row]
        if row < self._vocabulary.visual_count and self._rng.random() < 0.08:
            ids = self._encode(plural(self._vocabulary.lemmas[row]))
        return self._wrap(ids), self._targets.lemmas[row]

    def _pair(self, first: int, second: int) -> Example:
        ids = self._lemma_ids[first] + self._rng.choice(self._joins) + self._lemma_ids[second]
        return self._wrap(ids), self._targets.lemmas[first] * 0.6 + self._targets.lemmas[
            second
        ] * 0.4

    def _gloss(self, row: int) -> Example:
        ids, draw = self._glosses[row], self._rng.random()
        if draw < 0.5:
            lemma = self._rng.choice(self._net.synsets[self._vocabulary.synsets[row]].lemmas)
            ids = self._encode(lemma) + self._comma + ids
        return (self._wrap(ids) if draw < 0.8 else ids), self._targets.senses[row]

    def _list(self, rows: list[int]) -> Example:
        ids = list(self._lemma_ids[rows[0]])
        for row in rows[1:]:
            ids += self._comma + self._lemma_ids[row]
        return self._wrap(ids), self._targets.lemmas[rows].mean(0)

    def _short_batch(self) -> list[Example]:
        rng, size = self._rng, self._batch
        examples = [self._noun(j) for j in self._lemmas(int(size * 0.65))]
        for k in rng.choices(range(len(self._phrases)), k=int(size * 0.17)):
            examples.append((self._wrap(self._phrases[k]), self._targets.phrases[k]))
        for i in rng.choices(self._word_rows, k=int(size * 0.10)):
            examples.append((self._wrap(self._words[i]), self._targets.tokens[i]))
        rest = size - len(examples)
        return examples + list(map(self._pair, self._lemmas(rest), self._lemmas(rest)))

    def _long_batch(self) -> list[Example]:
        examples = list(
            map(self._gloss, self._rng.choices(self._gloss_rows, k=self._batch * 3 // 8))
        )
        lists = (self._lemmas(self._rng.randint(2, 8)) for _ in range(self._batch // 8))
        return examples + list(map(self._list, lists))

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Token ids (n, T) and unit targets (n, W); every eighth batch has long texts."""
        is_long = step % _LONG_EVERY == _LONG_EVERY - 1
        examples = self._long_batch() if is_long else self._short_batch()
        cap = _LONG_CAP if is_long else _SHORT_CAP
        ids = self.pack([ids[:cap] for ids, _ in examples])
        return ids, unit(torch.stack([target for _, target in examples]))

    def pack(self, texts: list[Ids]) -> Tensor:
        """Adds start and end tokens and pads with zeros."""
        first, last = self._tokenizer.sot_token_id, self._tokenizer.eot_token_id
        out = torch.zeros(len(texts), max(map(len, texts)) + 2, dtype=torch.long)
        for row, ids in enumerate(texts):
            out[row, : len(ids) + 2] = torch.tensor([first, *ids, last])
        return out

    def plain_texts(self, rows: list[int]) -> Tensor:
        """Ids of "a photo of a NOUN." for lemma rows."""
        before, after = self._plain
        return self.pack([before + self._lemma_ids[row] + after for row in rows])
