import numpy as np
import pytest

from poolscore.acquisition.base import Need
from poolscore.acquisition.cec import Cec
from poolscore.acquisition.entropy import Entropy
from poolscore.acquisition.supplied import require
from poolscore.errors import InvalidInputError
from tests.unit.acquisition.views import synthetic


def test_everything_missing_is_named_at_once() -> None:
    view = synthetic(5, 2, needs=frozenset({Need.FEATURES, Need.TEXT}))
    with pytest.raises(
        InvalidInputError, match="'cec' needs neighbours and probabilities"
    ) as error:
        require(view, Cec())
    assert error.value.metadata == {"strategy": "cec", "missing": "neighbours,probabilities"}


def test_half_precision_embeddings_come_as_float32() -> None:
    view = synthetic(5, 2)
    given = require(view, Cec())
    assert given.features_ND.dtype == np.float32
    assert np.array_equal(given.features_ND, np.asarray(view.features_ND, np.float32))


def test_without_an_adapter_the_text_features_are_the_classifier() -> None:
    given = require(synthetic(5, 2), Cec())
    assert given.classifier_CD is given.text_CD


def test_reading_what_was_not_asked_for_is_a_mistake_in_the_strategy() -> None:
    given = require(synthetic(5, 2, needs=frozenset()), Entropy())
    with pytest.raises(ValueError, match="do not name"):
        _ = given.text_CD
