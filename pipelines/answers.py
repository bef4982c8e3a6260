"""Which answers a training round can learn from.

Shapes: N answered images, C classes.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from poolscore.labels.answer import Abstain, Answer, Candidates, Label, class_indices
from poolscore.store.arrow import compute as pc
from poolscore.store.label_events import EffectiveLabel


@dataclass(frozen=True)
class UsableAnswers:
    """Answers to learn from, and the numbers of all kinds."""

    ids: list[str]
    targets_N: npt.NDArray[np.int64]
    """Class index; of several candidates the first."""
    candidates_NC: npt.NDArray[np.bool_] | None
    """Classes that the answer allows; None when every answer names one class."""
    counts: Counter[str]


def usable_answers(
    labels: list[EffectiveLabel], classes: Sequence[str], embedded: pa.Array
) -> UsableAnswers:
    """Keep labels and candidate sets about images of the snapshot, `embedded`.

    Abstentions are left out, and so are sets of all classes, which say no more than those.
    """
    items = pa.array([each.item_id for each in labels], pa.string())
    present = pc.is_in(items, value_set=embedded).to_pylist()
    here = [each for each, known in zip(labels, present, strict=True) if known]
    kinds = [_kind(each.answer, len(classes)) for each in here]
    counts = Counter(kinds)
    # An older snapshot may be active again, without the images that came later.
    counts["not_in_snapshot_left_out"] = len(labels) - len(here)
    used = [
        each for each, kind in zip(here, kinds, strict=True) if kind in ("labels", "candidates")
    ]
    allowed = [class_indices(each.answer, classes) for each in used]
    return UsableAnswers(
        [each.item_id for each in used],
        np.array([indices[0] for indices in allowed], np.int64),
        _mask(allowed, len(classes)) if counts["candidates"] else None,
        counts,
    )


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
