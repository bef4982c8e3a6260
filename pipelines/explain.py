"""Everything that is known of one item of a snapshot, in milliseconds for a pool of millions.

Shapes: L labeled images, D embedding width.
"""

from dataclasses import astuple, dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa

from pipelines.embeddings import Embeddings, Float16, Int64, OpenEmbeddings, present, rows_of
from pipelines.item_evidence import (
    ClassEvidence,
    Cluster,
    ItemEvidence,
    LabeledNeighbour,
    Reject,
)
from pipelines.places import Store
from pipelines.scan import snapshot_manifest
from poolscore.errors import NotFoundError
from poolscore.labels.answer import class_names
from poolscore.prompts.artefact import load_prompts
from poolscore.scoring.kernel import score
from poolscore.scoring.similarities import ClassSimilarities, class_similarities
from poolscore.scoring.types import PromptFeatures
from poolscore.store import files
from poolscore.store.arrow import compute as pc
from poolscore.store.catalog import Catalog
from poolscore.store.graph_file import read_groups, read_list
from poolscore.store.label_events import effective_labels, newest_event
from poolscore.store.neighbour_graphs import find_graph
from poolscore.store.prompt_versions import get_prompt_version
from poolscore.store.records import NeighbourGraph, Prediction, Snapshot
from poolscore.store.shards import read_table
from poolscore.store.snapshots import get_snapshot

NEIGHBOURS = 5
"""Labeled images that are named."""


@dataclass(frozen=True)
class _Labeled:
    """Images of a snapshot whose answer in force names classes."""

    ids: list[str]
    labels: list[tuple[str, ...]]
    features_LD: Float16


@dataclass(frozen=True)
class _Place:
    """An image in the neighbour graph of its snapshot."""

    graph: NeighbourGraph
    names: pa.Array
    """Item ids, N strings."""
    group_N: Int64
    row: int


class Explainer:
    """Looks items up; keeps what the next question of the same pool asks for again.

    Held are the prompts and the near-duplicate groups of the snapshots used last, and the
    embeddings of what is labeled: 2 L D bytes. The pool's own are asked of `open_embeddings`.
    """

    def __init__(self, catalog: Catalog, store: Store, open_embeddings: OpenEmbeddings) -> None:
        """Hold nothing yet."""
        self._catalog, self._store, self._open = catalog, store, open_embeddings
        self._prompts = lru_cache(maxsize=4)(self._read_prompts)
        self._groups = lru_cache(maxsize=2)(self._read_groups)
        self._labeled = lru_cache(maxsize=2)(self._read_labeled)

    def evidence(
        self,
        pool_id: str,
        snapshot: int,
        prompt_version: int,
        item_id: str,
        predicted: int | None = None,
    ) -> ItemEvidence | Reject:
        """What a prompt version says of an item, and which items are near it.

        `predicted` is the class that a ranking holds for it; None: the likeliest one. The labeled
        neighbours are the nearest of all labeled images, every one of which is compared: a list of
        the neighbour graph mostly holds none. Raises NotFoundError ITEM_NOT_FOUND and those of the
        stores.
        """
        record = get_snapshot(self._catalog, pool_id, snapshot)
        embeddings = self._open(record)
        row: int = pc.index(embeddings.ids, item_id).as_py()
        if row < 0:
            return self._reject(record, item_id)
        prompts = self._prompts(pool_id, prompt_version)
        feature_1D = embeddings.take(np.array([row], np.int64))
        similarities = class_similarities(feature_1D[0], prompts)
        scores = score(feature_1D, prompts)
        order = similarities.ordered
        first = order[0] if predicted is None else predicted
        second = next(index for index in order if index != first)
        labeled = self._labeled(record, newest_event(self._catalog, pool_id))
        place = self._place(record, item_id)
        return ItemEvidence(
            uri=embeddings.uris[row].as_py(),
            prediction=Prediction(*(column[0].item() for column in astuple(scores))),
            predicted=_class(similarities, first),
            runner_up=_class(similarities, second),
            neighbours=_neighbours(labeled, item_id, feature_1D),
            near_duplicates=() if place is None else _near_duplicates(place),
            cluster=None
            if place is None
            else self._cluster(place, embeddings, prompts, first, labeled),
        )

    def _place(self, snapshot: Snapshot, item_id: str) -> _Place | None:
        graph = find_graph(self._catalog, snapshot.pool_id, snapshot.number)
        if graph is None:
            return None
        names, group_N = self._groups(graph.uri)
        row: int = pc.index(names, item_id).as_py()
        return None if row < 0 else _Place(graph, names, group_N, row)

    def _cluster(
        self,
        place: _Place,
        embeddings: Embeddings,
        prompts: PromptFeatures,
        predicted: int,
        labeled: _Labeled,
    ) -> Cluster | None:
        if place.graph.k == 0:  # of a single image
            return None
        filesystem, root = self._store
        path = files.absolute(root, place.graph.uri)
        rows_K, similarity_K = read_list(filesystem, path, place.row)
        near: list[str] = place.names.take(pa.array(rows_K)).to_pylist()
        scores = score(embeddings.take(rows_of(embeddings.ids, near)), prompts)
        return Cluster(
            items=tuple(near),
            same_class=int((scores.predicted == predicted).sum()),
            labeled=len(set(near) & set(labeled.ids)),
            similarity=float(similarity_K.mean()),
        )

    def _reject(self, snapshot: Snapshot, item_id: str) -> Reject:
        filesystem, root = self._store
        for shard in snapshot_manifest(self._store, snapshot).shards:
            if not shard.rejected:
                continue
            columns = ["id", "uri", "reject_reason", "reject_detail"]
            table = read_table(filesystem, files.absolute(root, shard.path), columns)
            found = table.filter(pc.equal(table.column("id"), item_id)).to_pylist()
            if found:
                row = found[0]
                return Reject(row["uri"], row["reject_reason"], row["reject_detail"] or "")
        raise NotFoundError(
            f"{snapshot.name} has no item '{item_id}'; lease or stream a ranking to see items",
            reason="ITEM_NOT_FOUND",
        )

    def _read_prompts(self, pool_id: str, number: int) -> PromptFeatures:
        version = get_prompt_version(self._catalog, pool_id, number)
        filesystem, root = self._store
        return load_prompts(filesystem, files.absolute(root, version.uri))[0].features

    def _read_groups(self, uri: str) -> tuple[pa.Array, Int64]:
        filesystem, root = self._store
        names, group_N = read_groups(filesystem, files.absolute(root, uri))
        return names, group_N.astype(np.int64)

    def _read_labeled(self, snapshot: Snapshot, newest: int) -> _Labeled:
        del newest  # a part of the key: another answer makes another set
        labels, _ = effective_labels(self._catalog, snapshot.pool_id)
        named = {each.item_id: class_names(each.answer) for each in labels}
        embeddings = self._open(snapshot)
        here = present(embeddings.ids, [item for item, classes in named.items() if classes])
        features_LD = embeddings.take(rows_of(embeddings.ids, here))
        return _Labeled(here, [named[item] for item in here], features_LD)


def _neighbours(
    labeled: _Labeled, item_id: str, feature_1D: Float16
) -> tuple[LabeledNeighbour, ...]:
    cosine_L = labeled.features_LD.astype(np.float32) @ feature_1D[0].astype(np.float32)
    order = np.argsort(-cosine_L, kind="stable")[: NEIGHBOURS + 1].tolist()
    near = [
        LabeledNeighbour(labeled.ids[row], labeled.labels[row], float(cosine_L[row]))
        for row in order
        if labeled.ids[row] != item_id
    ]
    return tuple(near[:NEIGHBOURS])


def _near_duplicates(place: _Place) -> tuple[str, ...]:
    group = place.group_N[place.row]
    if group < 0:
        return ()
    same = np.flatnonzero(place.group_N == group)
    return tuple(sorted(place.names.take(pa.array(same)).to_pylist()))


def _class(similarities: ClassSimilarities, index: int) -> ClassEvidence:
    negative_C = similarities.negative_C
    return ClassEvidence(
        index=index,
        positive=float(similarities.positive_C[index]),
        negative=None if negative_C is None else float(negative_C[index]),
        probability=float(similarities.probability_C[index]),
        p_clean=float(similarities.p_clean_C[index]),
    )
