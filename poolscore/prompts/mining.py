"""Pseudo-labels: the most certain images of each predicted class.

Shapes: N images of the pool, K mined images.
"""

import numpy as np
import numpy.typing as npt

from poolscore.acquisition.ordering import lowest


def mine_pseudo_labels(
    predicted_N: npt.NDArray[np.int32],
    confidence_N: npt.NDArray[np.floating],
    ids_N: npt.NDArray[np.str_],
    exclude_N: npt.NDArray[np.bool_],
    per_class: int,
    at_least: float = 0.0,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return rows (K,) and classes (K,) of the `per_class` most certain images of each class.

    arXiv 2602.04340, section on pseudo-labels [A]: confidence is the zero-shot probability in the
    first round and p_clean afterwards. Images below `at_least` are never mined [C], nor are rows in
    `exclude_N` (already labelled by people); ties are broken by id; classes come in index order,
    the most certain image first.
    """
    chosen: list[npt.NDArray[np.int64]] = []
    open_rows = np.flatnonzero(~exclude_N & (confidence_N >= at_least))
    by_class = open_rows[np.argsort(predicted_N[open_rows], kind="stable")]
    starts = np.flatnonzero(np.diff(predicted_N[by_class], prepend=-1))
    for members in np.split(by_class, starts[1:]):
        order = lowest(-confidence_N[members], ids_N[members], per_class)
        chosen.append(members[order])
    rows = np.concatenate(chosen) if chosen else np.empty(0, np.int64)
    return rows, predicted_N[rows].astype(np.int64)
