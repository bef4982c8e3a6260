import numpy as np

from poolscore.neighbours.among import among
from poolscore.neighbours.exact import nearest_neighbours
from tests.unit.neighbours.clouds import cloud


def test_a_part_of_the_pool_has_the_neighbours_that_a_search_would_find() -> None:
    features = cloud(300)
    graph = nearest_neighbours(features, 20)
    rows = np.sort(np.random.default_rng(0).permutation(300)[:280])
    kept = among(graph, rows, 10)
    assert kept is not None
    assert np.array_equal(kept.rows_NK, nearest_neighbours(features[rows], 10).rows_NK)
    everybody = among(graph, np.arange(300), 20)
    assert everybody is not None
    assert np.array_equal(everybody.rows_NK, graph.rows_NK)


def test_lists_that_have_lost_too_many_say_nothing() -> None:
    graph = nearest_neighbours(cloud(300), 20)
    assert among(graph, np.arange(20), 10) is None
    assert among(graph, np.arange(300), 21) is None
