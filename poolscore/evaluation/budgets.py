"""A method that asks against those that do not, at every budget."""

from dataclasses import dataclass
from statistics import fmean

from poolscore.evaluation.aggregate import asks_nobody
from poolscore.evaluation.records import Cell, Study, Table

FROM_SHARE = 0.02
"""Smallest budget that counts, as a share of the pool."""


@dataclass(frozen=True)
class Margin:
    """One budget of one data set and protocol."""

    place: str
    """Data set and protocol."""
    answers: int
    points: float
    """Accuracy above the best method without labels, percentage points of means over seeds."""


def margins_over_label_free(study: Study, arm: str) -> list[Margin]:
    """Compare `arm` of Table.JOINT, round by round, with the best method that asks nobody.

    Only rounds whose answers are at least FROM_SHARE of the pool; empty without such methods.
    """
    joint = [cell for cell in study.cells if cell.key.table is Table.JOINT]
    places = sorted({(cell.key.data, cell.key.protocol.value) for cell in joint})
    found = list[Margin]()
    for data, protocol in places:
        here = [c for c in joint if (c.key.data, c.key.protocol.value) == (data, protocol)]
        ours = [cell for cell in here if cell.key.arm == arm]
        others = [cell for cell in here if asks_nobody(cell)]
        names = sorted({cell.key.arm for cell in others})
        if not ours or not others:
            continue
        for number in range(1, min(len(cell.rounds) for cell in [*ours, *others])):
            answers = ours[0].rounds[number].answers
            if answers >= FROM_SHARE * ours[0].pool:
                best = max(_mean([c for c in here if c.key.arm == name], number) for name in names)
                points = 100 * (_mean(ours, number) - best)
                found.append(Margin(f"{data}, {protocol}", answers, points))
    return found


def _mean(cells: list[Cell], number: int) -> float:
    return fmean(cell.rounds[number].accuracy for cell in cells)
