"""A view whose needed fields are known to be there."""

from functools import cached_property
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from poolscore.acquisition.base import (
    Float32,
    Labeled,
    Need,
    PoolView,
    Strategy,
)
from poolscore.errors import InvalidInputError
from poolscore.neighbours.lists import Neighbours

Field = TypeVar("Field")


def require(view: PoolView, strategy: Strategy) -> "Supplied":
    """Return the view's fields without None.

    Raises InvalidInputError VIEW_INCOMPLETE that names everything `strategy` needs and misses.
    """
    fields: dict[Need, object | None] = {
        Need.PROBABILITIES: view.probabilities_NC,
        Need.FEATURES: view.features_ND,
        Need.NEIGHBOURS: view.neighbours,
        Need.LABELED: view.labeled,
        Need.TEXT: view.text_CD,
    }
    missing = sorted(need.value for need in strategy.needs if fields[need] is None)
    if missing:
        raise InvalidInputError(
            f"Strategy '{strategy.name}' needs {' and '.join(missing)}, which this view of the "
            "pool does not hold: fill every field of PoolView that the strategy's `needs` name.",
            reason="VIEW_INCOMPLETE",
            strategy=strategy.name,
            missing=",".join(missing),
        )
    return Supplied(view)


class Supplied:
    """The optional fields of a checked view; only those that were checked may be read."""

    def __init__(self, view: PoolView) -> None:
        """Wrap a view that `require` has checked."""
        self._view = view

    @property
    def probabilities_NC(self) -> Float32:
        """Class probabilities."""
        return _there(self._view.probabilities_NC)

    @property
    def stored_features_ND(self) -> npt.NDArray[np.floating]:
        """Cached embeddings as they are stored, for strategies that read some of them."""
        return _there(self._view.features_ND)

    @cached_property
    def features_ND(self) -> Float32:
        """Cached embeddings as float32."""
        return self.stored_features_ND.astype(np.float32, copy=False)

    @property
    def neighbours(self) -> Neighbours:
        """Graph of the pool."""
        return _there(self._view.neighbours)

    @property
    def labeled(self) -> Labeled:
        """What is labeled so far, perhaps nothing."""
        return _there(self._view.labeled)

    @property
    def text_CD(self) -> Float32:
        """Text features of the positive prompt."""
        return _there(self._view.text_CD)

    @property
    def classifier_CD(self) -> Float32:
        """Linear classifier of the cached embeddings."""
        return self.text_CD if self._view.classifier_CD is None else self._view.classifier_CD


def _there(field: Field | None) -> Field:
    if field is None:
        raise ValueError("a strategy read a field of the view that its `needs` do not name")
    return field
