from poolscore.store.catalog import Catalog
from poolscore.store.neighbour_graphs import find_graph, newest_graph, set_graph
from poolscore.store.snapshots import add_snapshot
from tests.store_world import POOL, add_pool


def test_a_snapshot_points_to_its_graph_and_to_a_new_one_later(catalog: Catalog) -> None:
    add_pool(catalog)
    first, second = (
        add_snapshot(catalog, POOL, f"{n}.json", str(n) * 64, 5, 0, "d" * 64) for n in (1, 2)
    )
    assert find_graph(catalog, POOL, 1) is newest_graph(catalog, POOL) is None
    graph = set_graph(catalog, first, "a.parquet", "a" * 64, 20, {"recall": 1.0})
    assert find_graph(catalog, POOL, 1) == graph
    assert (graph.images, graph.k, graph.details) == (5, 20, {"recall": 1.0})
    # The newer snapshot has none yet, so it grows from the older one's.
    assert find_graph(catalog, POOL, 2) is None
    assert newest_graph(catalog, POOL) == graph
    later = set_graph(catalog, second, "b.parquet", "b" * 64, 20, {})
    again = set_graph(catalog, first, "c.parquet", "c" * 64, 5, {})
    assert newest_graph(catalog, POOL) == later
    assert find_graph(catalog, POOL, 1) == again
