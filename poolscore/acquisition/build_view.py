"""A view with the fields that a strategy needs, and no others, from where the caller keeps them.

Shapes: N images of the pool, n of them in the view, L labeled images, D embedding width.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from poolscore.acquisition.base import Int64, Labeled, Need, PoolView
from poolscore.neighbours.exact import nearest_neighbours
from poolscore.neighbours.lists import Neighbours
from poolscore.scoring.folding import linear_classifier
from poolscore.scoring.probabilities import class_probabilities
from poolscore.scoring.types import PromptFeatures, Scores

VIEW_NEIGHBOURS = 10
"""Neighbours of each image in a view: as many as a strategy asks for."""

Features = npt.NDArray[np.floating]


@dataclass(frozen=True)
class ViewParts:
    """What views are made of; what is a function is called when a need calls for it."""

    ids_N: npt.NDArray[np.str_]
    """Items that can be asked for."""
    scores: Scores
    """Of these items."""
    classes: Sequence[str]
    prompts: Callable[[], PromptFeatures]
    """Of the version that `scores` are by; asked for repeatedly."""
    features: Callable[[Int64], Features]
    """Embeddings (n, D) of these n of the items."""
    labeled: Callable[[], tuple[Features, npt.NDArray[np.int64]]]
    """Embeddings (L, D) and class indices (L,) of what is labeled, by id."""

    graph: Callable[[], Neighbours | None] = lambda: None
    """At least `VIEW_NEIGHBOURS` neighbours of each item among the items, if they are known."""

    @property
    def whole(self) -> PoolView:
        """All items with their scores and nothing else."""
        return PoolView(self.ids_N, self.scores, self.classes)


def build_view(parts: ViewParts, needs: frozenset[Need], rows_n: Int64 | None = None) -> PoolView:
    """Return the view of these rows, or of all, with every field that `needs` names.

    Embeddings are held whole where they are needed (2 n D bytes), and so are probabilities
    (4 n C bytes). The neighbour graph of all items is the stored one where it can be; else it is
    exact, of these rows, and costs n^2 D.
    """
    whole = rows_n is None
    view = parts.whole if rows_n is None else _part(parts, rows_n)
    if needs & {Need.FEATURES, Need.PROBABILITIES, Need.NEIGHBOURS}:
        rows_n = np.arange(len(view.ids)) if rows_n is None else rows_n
        view = replace(view, features_ND=parts.features(rows_n))
    if Need.PROBABILITIES in needs and view.features_ND is not None:
        view = replace(
            view, probabilities_NC=class_probabilities(view.features_ND, parts.prompts())
        )
    if Need.NEIGHBOURS in needs and view.features_ND is not None:
        known = parts.graph() if whole else None
        found = known or nearest_neighbours(view.features_ND, VIEW_NEIGHBOURS)
        view = replace(view, neighbours=found)
    if Need.LABELED in needs:
        features_LD, targets_L = parts.labeled()
        probabilities_LC = class_probabilities(features_LD, parts.prompts())
        view = replace(view, labeled=Labeled(features_LD, targets_L, probabilities_LC))
    if Need.TEXT in needs:
        prompts = parts.prompts()
        view = replace(
            view,
            text_CD=prompts.positive_CD.float().numpy(),
            classifier_CD=linear_classifier(prompts).numpy(),
        )
    return view


def _part(parts: ViewParts, rows_n: Int64) -> PoolView:
    whole = parts.whole
    return replace(
        whole,
        ids=whole.ids[rows_n],
        scores=whole.scores.take(rows_n),
        stands_for=len(whole.ids) / max(len(rows_n), 1),
    )
