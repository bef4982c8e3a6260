"""The neighbour graph of a snapshot: made once, grown with the pool, kept with the snapshot.

{pool}/neighbours/{sha256}.parquet   a graph, named by its content
{pool}/neighbours/{inputs}.json      written last: which file was made from these inputs, and how
"""

import hashlib
import json
import time
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.embeddings import Float16, Int64
from pipelines.places import Store
from pipelines.scan import ScannedEmbeddings, scan
from poolscore.errors import FailedPreconditionError, NotFoundError
from poolscore.images.perceptual_hash import BYTES
from poolscore.neighbours.build import Built, build, extend
from poolscore.neighbours.device import all_cores
from poolscore.neighbours.duplicates import SamePhotograph, Words, duplicate_groups
from poolscore.neighbours.features import BLOCK
from poolscore.neighbours.fingerprint import fingerprints
from poolscore.neighbours.graph import Graph
from poolscore.neighbours.limits import NEIGHBOURS
from poolscore.neighbours.search import OnRows
from poolscore.store import files
from poolscore.store.arrow import compute as pc
from poolscore.store.catalog import Catalog
from poolscore.store.graph_file import read_graph, write_graph
from poolscore.store.neighbour_graphs import set_graph
from poolscore.store.records import NeighbourGraph, Snapshot

FORMAT = 1
FEWEST = 2
"""Images that a graph needs."""


def make_graph(
    catalog: Catalog,
    store: Store,
    snapshot: Snapshot,
    k: int = NEIGHBOURS,
    earlier: NeighbourGraph | None = None,
    on_rows: OnRows = lambda _: None,
) -> NeighbourGraph:
    """Make the graph of a snapshot of at least `FEWEST` images and point the snapshot to it.

    From scratch, or grown from an `earlier` one of the same encoder, whose `k` it then keeps. A
    graph that was made of the same inputs before is found and not made again; whatever an
    interrupted attempt has left is not looked at. `on_rows` hears how many more images are done.
    """
    k = k if earlier is None else earlier.k
    folder = files.neighbours_dir(store[1], snapshot.pool_id)
    inputs: dict[str, Any] = {
        "format": FORMAT,
        "manifest": snapshot.manifest_sha256,
        "k": k,
        "earlier": earlier.sha256 if earlier else "",
        "same_photograph": asdict(SamePhotograph()),
    }
    name = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()
    note = f"{folder}/{name}.json"
    made = _made_before(store, note)
    if made is None:
        made = {**_make(store, snapshot, k, earlier, on_rows, folder), **inputs}
        files.write_atomic(store[0], note, json.dumps(made, indent=1).encode())
    details = {key: value for key, value in made.items() if key not in ("uri", "sha256")}
    return set_graph(catalog, snapshot, made["uri"], made["sha256"], k, details)


def _made_before(store: Store, note: str) -> dict[str, Any] | None:
    filesystem, root = store
    if not filesystem.get_file_info(note).is_file:
        return None
    made: dict[str, Any] = json.loads(files.read_bytes(filesystem, note))
    there = filesystem.get_file_info(files.absolute(root, made["uri"])).is_file
    return made if there else None


@dataclass(frozen=True)
class _StoredFeatures:
    """Embeddings of a snapshot as the library reads them."""

    embeddings: ScannedEmbeddings

    def __len__(self) -> int:
        return len(self.embeddings.ids)

    def take(self, rows: Int64) -> Float16:
        return self.embeddings.take(rows)


def _make(
    store: Store,
    snapshot: Snapshot,
    k: int,
    earlier: NeighbourGraph | None,
    on_rows: OnRows,
    folder: str,
) -> dict[str, Any]:
    began = time.perf_counter()
    embeddings = scan(store, snapshot)
    features = _StoredFeatures(embeddings)
    fingerprint_N = _fingerprints(features)
    with all_cores():
        built = _build(store, features, fingerprint_N, k, earlier, on_rows)
    group_N = duplicate_groups(built.neighbours, *_hashes(embeddings.hashes))
    graph = Graph(embeddings.ids, fingerprint_N, built.neighbours, group_N)
    path, sha256 = write_graph(store[0], folder, graph)
    sizes = Counter(group_N[group_N >= 0].tolist()).values()
    return {
        "uri": files.relative(store[1], path),
        "sha256": sha256,
        "snapshot": snapshot.name,
        "method": "exact" if built.exact else "inverted file",
        "recall": built.recall,
        "recall_sample": built.sample,
        "searches": [search.as_json() for search in built.searches],
        "groups": len(sizes),
        "images_in_groups": sum(sizes),
        "largest_group": max(sizes, default=0),
        "seconds": round(time.perf_counter() - began, 3),
    }


def _build(
    store: Store,
    features: _StoredFeatures,
    fingerprint_N: npt.NDArray[np.uint64],
    k: int,
    earlier: NeighbourGraph | None,
    on_rows: OnRows,
) -> Built:
    if earlier is None:
        return build(features, k, on_rows)
    try:
        graph = read_graph(store[0], files.absolute(store[1], earlier.uri))
    except (NotFoundError, FailedPreconditionError):
        # What can be made again must not stop a pool from growing.
        return build(features, k, on_rows)
    rows_N = graph.rows_of(features.embeddings.ids, fingerprint_N)
    was_exact = earlier.details["method"] == "exact"
    return extend(features, graph.neighbours, was_exact, rows_N, k, on_rows)


def _fingerprints(features: _StoredFeatures) -> npt.NDArray[np.uint64]:
    out_N = np.empty(len(features), np.uint64)
    for start in range(0, len(out_N), BLOCK):
        rows = np.arange(start, min(start + BLOCK, len(out_N)))
        out_N[rows] = fingerprints(features.take(rows))
    return out_N


def _hashes(column: pa.Array) -> tuple[Words, npt.NDArray[np.bool_]]:
    """Hashes as two words, (N, 2), and which of them are known, (N,)."""
    known_N = pc.is_valid(column).to_numpy(zero_copy_only=False)
    data = pc.fill_null(column, bytes(BYTES))
    words = np.frombuffer(data.buffers()[1], "<u8", 2 * len(data), data.offset * BYTES)
    return words.reshape(-1, 2), known_N
