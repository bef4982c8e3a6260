"""What annotators who answered the same images say together.

Shapes: V votes, N images, C classes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from poolscore.labels.aggregate import Votes, aggregate, credible_sets


@dataclass(frozen=True)
class Consensus:
    """What is believed of every image, and of every annotator."""

    allowed: Mapping[str, tuple[int, ...]]
    """By image the classes that it may show, ascending; all of them when nothing is decided."""
    accuracy: Mapping[str, float]
    """By annotator the probability that an answer allows the true class, in (0, 1)."""
    conflicts: int
    """Images of which no class is allowed by every vote."""


def consensus(votes: Mapping[str, Mapping[str, Sequence[int]]], classes: int) -> Consensus:
    """Weigh the votes on each image: classes allowed, by image and annotator.

    The sets are `credible_sets` of the Dawid-Skene posterior (`aggregate`), given that one of the
    classes that somebody named is right [C]: where annotators are often at odds, the posterior also
    leaves something to each of many classes that nobody has named. So a set holds only named
    classes, and votes for one and the same label give this label. Time and memory N x C.
    """
    annotators = sorted({name for cast in votes.values() for name in cast})
    place = {name: number for number, name in enumerate(annotators)}
    cast = [(n, place[a], y) for n, each in enumerate(votes.values()) for a, y in each.items()]
    allowed_VC = np.zeros((len(cast), classes), np.bool_)
    for row, (_, _, indices) in zip(allowed_VC, cast, strict=True):
        row[list(indices)] = True
    item_V = np.array([item for item, _, _ in cast], np.int64)
    annotator_V = np.array([annotator for _, annotator, _ in cast], np.int64)
    found = aggregate(Votes(item_V, annotator_V, allowed_VC), len(votes), len(annotators))
    tally_NC = np.zeros((len(votes), classes), np.int64)
    np.add.at(tally_NC, item_V, allowed_VC)
    named_NC = np.where(tally_NC > 0, found.posterior_NC, 0.0)
    sets_NC = credible_sets(named_NC / named_NC.sum(axis=1, keepdims=True))
    return Consensus(
        allowed={
            item: tuple(np.flatnonzero(row).tolist())
            for item, row in zip(votes, sets_NC, strict=True)
        },
        accuracy=dict(zip(annotators, found.accuracy_A.tolist(), strict=True)),
        conflicts=int((tally_NC.max(axis=1) < np.bincount(item_V, minlength=len(votes))).sum()),
    )
