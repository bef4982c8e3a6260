"""Predictions that answers have judged: what was predicted when an image was leased, and what a
person said of it afterwards.

Strategies lease what is doubtful, so that the share of right ones says nothing of the pool.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from poolscore.labels.answer import Label
from poolscore.store.records import LabelEvent
from services.report.doubt import Doubt

BINS = 5


def judge(events: Iterable[LabelEvent], classes: Mapping[int, Sequence[str]]) -> Doubt:
    """Compare predictions with answers of one class; other events are left out.

    `classes` are those of the prompt versions, by number.
    """
    rows = list[tuple[float, float, bool]]()
    for event in events:
        before, version = event.prediction, event.prompt_version
        if isinstance(event.answer, Label) and before is not None and version is not None:
            right = classes[version][before.predicted] == event.answer.label
            rows.append((before.p_clean, before.probability, right))
    columns = np.array(rows, np.float64).reshape(-1, 3)
    return Doubt(columns[:, 0], columns[:, 1], columns[:, 2].astype(np.bool_))


def calibration(doubt: Doubt) -> list[tuple[float, float, int, float]]:
    """From, to, images and share of right ones for each fifth of p_clean that has any."""
    place = np.clip((doubt.p_clean * BINS).astype(np.int64), 0, BINS - 1)
    there = [(number, doubt.right[place == number]) for number in range(BINS)]
    return [
        (number / BINS, (number + 1) / BINS, len(right), float(right.mean()))
        for number, right in there
        if len(right)
    ]
