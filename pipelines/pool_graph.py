"""The stored neighbour graph of a snapshot, in the order in which a pool is held."""

import numpy as np
import pyarrow as pa

from pipelines.embeddings import Int64
from pipelines.places import Store
from poolscore.neighbours.graph import places_of
from poolscore.neighbours.lists import Neighbours
from poolscore.store import files
from poolscore.store.arrow import compute as pc
from poolscore.store.catalog import Catalog
from poolscore.store.graph_file import read_groups, read_neighbours
from poolscore.store.neighbour_graphs import find_graph
from poolscore.store.records import NeighbourGraph


def stored_neighbours(
    catalog: Catalog, store: Store, pool_id: str, snapshot: int, ids: pa.Array
) -> Neighbours | None:
    """Neighbours of every image in the rows of `ids`; None: the snapshot has no graph of these."""
    record = find_graph(catalog, pool_id, snapshot)
    if record is None or record.images != len(ids):
        return None
    names, graph = read_neighbours(store[0], files.absolute(store[1], record.uri))
    if names.equals(ids):
        return graph
    here_N = places_of(ids, names)
    if (here_N < 0).any():
        return None
    place_N = np.empty(len(here_N), np.int32)
    place_N[here_N] = np.arange(len(here_N), dtype=np.int32)
    return Neighbours(place_N[graph.rows_NK[here_N]], graph.similarity_NK[here_N])


def stored_groups(store: Store, record: NeighbourGraph, ids: pa.Array) -> Int64:
    """Group of near-duplicates of each of `ids`, (len(ids),); -1: in none."""
    names, group = read_groups(store[0], files.absolute(store[1], record.uri))
    group_N = np.full(len(ids), -1, np.int64)
    if names.equals(ids):
        group_N[:] = group
        return group_N
    # Few images are in a group: hashing all ids of the pool would take seconds.
    grouped = np.flatnonzero(group >= 0)
    some = names.take(pa.array(grouped))
    rows = np.flatnonzero(pc.is_in(ids, value_set=some).to_numpy(zero_copy_only=False))
    group_N[rows] = group[grouped[places_of(ids.take(pa.array(rows)), some)]]
    return group_N
