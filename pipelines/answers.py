"""Which answers a training round can learn from.

Shapes: N answered images, C classes.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.embeddings import present
from poolscore.labels.answer import Abstain, Answer, Candidates, Label, class_indices, class_names
from poolscore.labels.consensus import consensus
from poolscore.store.annotator_answers import AnnotatorAnswer

_USED = ("labels", "candidates")


@dataclass(frozen=True)
class UsableAnswers:
    """Answers to learn from, one row an image, and the numbers of all kinds."""

    ids: list[str]
    targets_N: npt.NDArray[np.int64]
    """Class index; of several candidates the first."""
    candidates_NC: npt.NDArray[np.bool_] | None
    """Classes that the answers allow; None when every image has one."""
    counts: Counter[str]
    """Images of each kind; of images with several votes also how many, and how many in conflict."""
    annotator_accuracy: Mapping[str, float]
    """Estimated for everyone who voted on an image on which others voted as well, in (0, 1)."""

    @property
    def single_N(self) -> npt.NDArray[np.bool_]:
        """Images of which one class is left."""
        if self.candidates_NC is None:
            return np.ones(len(self.ids), np.bool_)
        return self.candidates_NC.sum(axis=1) == 1

    def where(self, keep_N: npt.NDArray[np.bool_]) -> "UsableAnswers":
        """Those images alone; counts and accuracies stay those of all."""
        candidates_NC = self.candidates_NC
        return replace(
            self,
            ids=[item for item, keep in zip(self.ids, keep_N, strict=True) if keep],
            targets_N=self.targets_N[keep_N],
            candidates_NC=None if candidates_NC is None else candidates_NC[keep_N],
        )


def usable_answers(
    answers: Sequence[AnnotatorAnswer], classes: Sequence[str], embedded: pa.Array
) -> UsableAnswers:
    """Keep labels and candidate sets about images of the snapshot, `embedded`.

    `answers` come oldest first, one an item and annotator. Abstentions are no votes, nor are sets
    of all classes, which say no more than those. A single vote is used as it is; several become the
    classes that they make credible (`consensus`), and the image is left out when these are all.
    An answer that names a class which is not among `classes` was given while they changed: it is
    left out.
    """
    items = _by_item([each for each in answers if set(class_names(each.answer)) <= set(classes)])
    here = present(embedded, list(items))
    votes = {item: _votes(items[item], classes) for item in here}
    shared = {item: cast for item, cast in votes.items() if len(cast) > 1}
    agreed = consensus(shared, len(classes))
    allowed = {
        item: tuple(agreed.allowed[item] if item in shared else next(iter(cast.values())))
        for item, cast in votes.items()
        if cast
    }
    kinds = {
        item: _kind_of_set(len(allowed[item]), len(classes))
        if item in allowed
        else _kind(items[item][-1].answer, len(classes))
        for item in here
    }
    counts = Counter(kinds.values())
    # An older snapshot may be active again, without the images that came later.
    counts["not_in_snapshot_left_out"] = len(items) - len(here)
    if shared:
        counts.update(several_votes=len(shared), conflicts=agreed.conflicts)
    used = {item: allowed[item] for item, kind in kinds.items() if kind in _USED}
    return UsableAnswers(
        list(used),
        np.array([indices[0] for indices in used.values()], np.int64),
        _mask(list(used.values()), len(classes)) if counts["candidates"] else None,
        counts,
        agreed.accuracy,
    )


def _by_item(answers: Sequence[AnnotatorAnswer]) -> dict[str, list[AnnotatorAnswer]]:
    """Answers of every item, items in the order of their newest answers."""
    items: dict[str, list[AnnotatorAnswer]] = {}
    for each in answers:
        items[each.item_id] = [*items.pop(each.item_id, []), each]
    return items


def _votes(
    answers: Sequence[AnnotatorAnswer], classes: Sequence[str]
) -> dict[str, tuple[int, ...]]:
    """Class indices that each annotator allows."""
    return {
        each.annotator: class_indices(each.answer, classes)
        for each in answers
        if _kind(each.answer, len(classes)) in _USED
    }


def _kind_of_set(size: int, classes: int) -> str:
    if size == 1:
        return "labels"
    return "candidates" if size < classes else "undecided_left_out"


def _kind(answer: Answer, classes: int) -> str:
    match answer:
        case Label():
            return "labels"
        case Candidates(labels):
            return "candidates" if len(labels) < classes else "candidates_of_all_left_out"
        case Abstain():
            return "abstains_left_out"


def _mask(allowed: list[tuple[int, ...]], classes: int) -> npt.NDArray[np.bool_]:
    mask_NC = np.zeros((len(allowed), classes), np.bool_)
    for row, indices in zip(mask_NC, allowed, strict=True):
        row[list(indices)] = True
    return mask_NC
