"""PCB: balance the pseudo-classes of another strategy's candidates (CVPR 2024, arXiv 2311.11178).

Code of the authors: kaist-dmlab/pcb.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from poolscore.acquisition.base import Choice, Int64, Need, PoolView, Strategy
from poolscore.acquisition.supplied import require

_MOST = 50_000
GAMMA = 0.1
"""[B] Share of the whole training set, labeled images included, that the base may propose."""


@dataclass(frozen=True)
class Pcb:
    """Give every class as many labels as the others, by the predicted class of candidates.

    [B] P = the gamma * (N + L) best rows of the base. K times: c* = the class with the fewest
    labels (ties: lowest index); some row of P predicted as c* is taken at random and counted as
    c*. If P has none, a random row of P is taken and the counts stay as they are: c* remains the
    minority, so from there on every choice of the batch is random in P.
    [C] P is never smaller than the batch. Draws are made from P in the order of the ids.
    """

    name: str
    base: Strategy
    gamma: float = GAMMA
    batchwise: bool = True

    @property
    def needs(self) -> frozenset[Need]:
        """What the base needs, and the labels so far."""
        return self.base.needs | {Need.LABELED}

    @property
    def most(self) -> int | None:
        """What the base can take, or less: it proposes a tenth of that, not a batch."""
        return None if self.base.most is None else min(self.base.most, _MOST)

    def query(self, view: PoolView, batch_size: int, rng: np.random.Generator) -> Choice:
        """Return min(batch_size, N) rows; the utility is that of the base."""
        targets = require(view, self).labeled.targets_L
        size = min(max(batch_size, 0), len(view.ids))
        width = max(size, int(self.gamma * (len(view.ids) + len(targets))))
        base = self.base.query(view, width if size else 0, rng)
        by_id = np.argsort(view.ids[base.rows], kind="stable")
        counts = np.bincount(targets, minlength=len(view.classes))
        predicted = view.scores.predicted[base.rows[by_id]]
        places, wanted = balance(predicted, counts, size, rng)
        chosen = by_id[places]
        reasons = [
            _reason(view, self.base.name, base, int(place), k, index < len(wanted))
            for index, (place, k) in enumerate(zip(chosen, predicted[places].tolist(), strict=True))
        ]
        return Choice(base.rows[chosen], base.utilities[chosen], reasons)


def balance(
    predicted_P: npt.NDArray[np.int32], counts_C: Int64, size: int, rng: np.random.Generator
) -> tuple[Int64, list[int]]:
    """Return `size` places in P and, for those chosen for balance, the class they were chosen as.

    The list is shorter than the places when the rest is random.
    """
    counts, wanted, places = counts_C.copy(), list[int](), list[int]()
    members = [np.flatnonzero(predicted_P == k).tolist() for k in range(len(counts))]
    while len(places) < size:
        minority = int(counts.argmin())
        rows = members[minority]
        if not rows:
            break
        places.append(rows.pop(int(rng.integers(len(rows)))))
        wanted.append(minority)
        counts[minority] += 1
    rest = np.setdiff1d(np.arange(len(predicted_P)), places)
    drawn = rng.choice(rest, size - len(places), replace=False)
    return np.concatenate([np.array(places, np.int64), drawn]), wanted


def _reason(
    view: PoolView, base: str, proposed: Choice, place: int, predicted: int, balanced: bool
) -> str:
    of = f"of the {len(proposed.rows):,} best by {base} ({proposed.reasons[place]})"
    if balanced:
        return f"predicted '{view.classes[predicted]}', the class with the fewest labels, one {of}"
    return f"drawn at random, as nothing is predicted to be of the rarest class: one {of}"
