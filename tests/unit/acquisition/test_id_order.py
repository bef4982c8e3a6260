from dataclasses import replace

import numpy as np

from poolscore.acquisition.id_order import in_id_order, take_rows
from tests.unit.acquisition.views import synthetic


def test_every_field_moves_with_its_id() -> None:
    view = synthetic(30, 3)
    ordered, order = in_id_order(view)
    assert ordered.ids.tolist() == sorted(view.ids.tolist())
    assert ordered.features_ND is not None
    assert view.features_ND is not None
    assert ordered.probabilities_NC is not None
    assert view.probabilities_NC is not None
    assert np.array_equal(ordered.features_ND, view.features_ND[order])
    assert np.array_equal(ordered.probabilities_NC, view.probabilities_NC[order])
    assert np.array_equal(ordered.scores.margin, view.scores.margin[order])
    assert ordered.labeled is view.labeled


def test_neighbours_are_the_same_images_under_their_new_numbers() -> None:
    view = synthetic(30, 3)
    ordered, order = in_id_order(view)
    assert ordered.neighbours is not None
    assert view.neighbours is not None
    before = view.ids[view.neighbours.rows_NK[order]]
    assert np.array_equal(ordered.ids[ordered.neighbours.rows_NK], before)
    assert np.array_equal(ordered.neighbours.similarity_NK, view.neighbours.similarity_NK[order])


def test_a_sorted_view_is_not_copied() -> None:
    view = in_id_order(synthetic(30, 3))[0]
    again, order = in_id_order(view)
    assert again is view
    assert order.tolist() == list(range(30))


def test_fields_that_are_missing_stay_missing() -> None:
    bare = replace(synthetic(4, 2), features_ND=None, neighbours=None, probabilities_NC=None)
    taken = take_rows(bare, np.array([3, 1, 0, 2]))
    assert taken.features_ND is taken.neighbours is taken.probabilities_NC is None
