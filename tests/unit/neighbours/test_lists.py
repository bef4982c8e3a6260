import numpy as np

from poolscore.neighbours.lists import NOBODY, Neighbours, empty_lists, merge, nearest


def test_the_nearest_come_first_ties_by_row_and_nobody_last() -> None:
    rows = np.array([[7, 3, NOBODY, 5], [NOBODY, 2, 9, 1]])
    similarity = np.array([[0.5, 0.9, 2.0, 0.5], [1.0, 0.1, 0.1, 0.4]], np.float32)
    found = nearest(rows, similarity, 4)
    assert found.rows_NK.tolist() == [[3, 5, 7, NOBODY], [1, 2, 9, NOBODY]]
    assert np.isneginf(found.similarity_NK[:, -1]).all()
    assert nearest(rows, similarity, 2).rows_NK.tolist() == [[3, 5], [1, 2]]
    assert found.first(1).rows_NK.tolist() == [[3], [1]]


def test_merging_with_nobody_changes_nothing() -> None:
    one = Neighbours(np.array([[4, 2]], np.int32), np.array([[0.8, 0.3]], np.float32))
    assert merge(one, empty_lists(1, 2), 2).rows_NK.tolist() == [[4, 2]]
    other = Neighbours(np.array([[1, 9]], np.int32), np.array([[0.5, 0.3]], np.float32))
    assert merge(one, other, 3).rows_NK.tolist() == [[4, 1, 2]]
