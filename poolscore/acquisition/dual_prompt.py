"""ActiveCLIP's class-balanced choice of the least certain images (arXiv 2602.04340)."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from poolscore.acquisition.base import Choice, Need, PoolView
from poolscore.acquisition.ordering import Rows, ascending, lowest_with_ties


class DualPrompt:
    """The images the negative prompt doubts most, spread over the predicted classes.

    [A] floor(B / C) images of lowest p_clean of each predicted class, then B mod C most uncertain
    images across classes. [C] A class with too few images leaves its places to the remainder.
    [C] The first part is layered: the least certain image of every class, then the second of
    every class, ..., the less certain first inside a layer; so every prefix is class-balanced.
    """

    name = "dual_prompt"
    needs = frozenset[Need]()
    most = None
    batchwise = False

    def query(self, view: PoolView, batch_size: int, rng: np.random.Generator) -> Choice:
        """Return min(batch_size, N) rows; the utility is 1 - p_clean of the predicted class."""
        del rng
        p_clean, predicted = view.scores.p_clean, view.scores.predicted
        size = min(batch_size, len(p_clean))
        quota = size // len(view.classes)
        near = _candidates(p_clean, predicted, len(view.classes), quota, size)
        order = ascending(near, p_clean, view.ids)
        place = _place_in_class(predicted[order])
        balanced = order[place < quota][np.argsort(place[place < quota], kind="stable")]
        rest = order[place >= quota][: size - len(balanced)]
        rows = np.concatenate([balanced, rest])
        return Choice(
            rows=rows,
            utilities=1.0 - p_clean[rows].astype(np.float64),
            reasons=_reasons(view, rows, np.sort(place[place < quota], kind="stable")),
        )


def _candidates(
    p_clean: npt.NDArray[np.float32],
    predicted: npt.NDArray[np.int32],
    classes: int,
    quota: int,
    size: int,
) -> Rows:
    """Rows that may be chosen: the `quota` lowest of each class and the `size` lowest of all."""
    chosen = np.zeros(len(p_clean), np.bool_)
    chosen[lowest_with_ties(p_clean, size)] = True
    if quota:
        by_class = np.argsort(predicted, kind="stable")
        bounds = np.searchsorted(predicted[by_class], np.arange(classes + 1))
        for start, end in pairwise(bounds.tolist()):
            members = by_class[start:end]
            chosen[members[lowest_with_ties(p_clean[members], quota)]] = True
    return np.flatnonzero(chosen)


def _place_in_class(predicted: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """Return how many earlier entries have the same class."""
    by_class = np.argsort(predicted, kind="stable")
    grouped = predicted[by_class]
    first = np.searchsorted(grouped, grouped)
    place = np.empty(len(predicted), np.int64)
    place[by_class] = np.arange(len(predicted)) - first
    return place


def _reasons(view: PoolView, rows: Rows, places: npt.NDArray[np.int64]) -> Sequence[str]:
    counts = np.bincount(view.scores.predicted, minlength=len(view.classes)).tolist()
    predicted = view.scores.predicted[rows].tolist()
    p_clean = view.scores.p_clean[rows].tolist()
    total = len(view.ids)
    reasons: list[str] = []
    for index, (k, p) in enumerate(zip(predicted, p_clean, strict=True)):
        name = view.classes[k]
        if index < len(places):
            which = _ordinal(int(places[index]))
            of = f"{which} of the {counts[k]:,} images predicted '{name}'"
            if counts[k] == 1:
                of = f"the only image predicted '{name}'"
            reasons.append(f"{of}: p_clean {p:.2f}")
        else:
            reasons.append(
                f"among the least certain of all {total:,} images, predicted '{name}': "
                f"p_clean {p:.2f}"
            )
    return reasons


def _ordinal(place: int) -> str:
    if place == 0:
        return "least certain"
    number = place + 1
    teen = 10 <= number % 100 <= 20
    ending = "th" if teen else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending} least certain"
