from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipelines.embeddings import Int64, ScoredPool
from pipelines.neighbours import make_graph
from pipelines.places import RunPlaces, Store
from pipelines.rank import RankRequest, rank
from pipelines.scan import ScannedEmbeddings
from pipelines.view import ViewSource, view_parts
from poolscore.acquisition.base import Need, PoolView
from poolscore.acquisition.build_view import build_view
from poolscore.acquisition.registry import strategy_names
from poolscore.errors import NotFoundError
from poolscore.labels.answer import Abstain, Candidates, Label, LabelInput
from poolscore.prompts.artefact import save_prompts
from poolscore.prompts.trained import TrainedPrompts
from poolscore.scoring.probabilities import class_probabilities
from poolscore.store import files
from poolscore.store.catalog import Catalog
from poolscore.store.label_events import EffectiveLabel, effective_labels
from poolscore.store.manifest import ShardEntry, commit_manifest
from poolscore.store.prompt_versions import add_prompt_version
from poolscore.store.ranking_file import read_ranking
from poolscore.store.record_labels import record_labels
from poolscore.store.records import Pool
from poolscore.store.snapshots import add_snapshot, get_snapshot
from tests.shards_world import (
    DIGEST,
    embeddings,
    manifest_with,
    open_world,
    prompts,
    write_shard,
)

COUNT = 24
VECTORS = embeddings(COUNT)
IDS = [f"i{number:02d}" for number in range(COUNT)]
ANSWERS = {
    "i05": Label("owl"),
    "i02": Label("cat"),
    "i07": Abstain(),
    "i09": Candidates(("cat", "dog")),
    "elsewhere": Label("dog"),
}

World = tuple[Catalog, Store, Pool, ScoredPool]


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A snapshot of two shards, the higher ids first, prompt version 0 and some answers."""
    catalog, store, pool = open_world(tmp_path)
    places, half = RunPlaces.of(store, "p", 1), COUNT // 2
    entries: list[ShardEntry] = []
    for name, part in (("a", slice(half, COUNT)), ("b", slice(0, half))):
        path = write_shard(places, name, IDS[part], vectors=VECTORS[part])
        shard = files.relative(store[1], str(path))
        entries.append(ShardEntry(path=shard, rows=half, embedded=half, rejected=0))
    manifest = manifest_with(entries)
    uri, sha256 = commit_manifest(*store, manifest)
    add_snapshot(catalog, "p", uri, sha256, COUNT, 0, DIGEST)
    digest, path = save_prompts(store[0], f"{store[1]}/prompts", TrainedPrompts(prompts()), {})
    version = files.relative(store[1], path)
    add_prompt_version(catalog, "p", digest, version, 0, 0, None, {})
    inputs = [LabelInput(item, answer, "ann") for item, answer in ANSWERS.items()]
    record_labels(catalog, "p", inputs, "request", known_items=lambda ids: [True] * len(ids))
    held = ScannedEmbeddings(store, manifest)
    return catalog, store, pool, ScoredPool(held, held.score(prompts()))


def answers(world: World) -> list[EffectiveLabel]:
    return effective_labels(world[0], "p")[0]


def view_of(world: World, rows: Int64, needs: frozenset[Need], version: int = 0) -> PoolView:
    catalog, store, pool, scored = world
    source = ViewSource(catalog, store, pool, 1, version, scored)
    return build_view(view_parts(source, rows, answers(world)), needs)


def test_every_need_is_supplied(world: World) -> None:
    view = view_of(world, np.array([3, 20, 0]), frozenset(Need))
    assert view.ids.tolist() == ["i15", "i08", "i12"]
    assert np.array_equal(np.asarray(view.features_ND), VECTORS[[15, 8, 12]])
    assert view.probabilities_NC is not None
    assert view.probabilities_NC.argmax(axis=1).tolist() == view.scores.predicted.tolist()
    assert view.neighbours is not None
    assert sorted(view.neighbours.rows_NK[0].tolist()) == [1, 2]
    assert np.array_equal(np.asarray(view.text_CD), prompts().positive_CD.numpy())
    assert view.classifier_CD is not None


def test_neighbours_are_those_of_the_stored_graph_where_it_knows_enough(world: World) -> None:
    catalog, store, _, scored = world
    needs = frozenset({Need.NEIGHBOURS})
    rows = np.delete(np.arange(COUNT), [3, 11])
    searched = view_of(world, rows, needs).neighbours
    graph = make_graph(catalog, store, get_snapshot(catalog, "p", 1), COUNT - 1)
    assert graph.images == COUNT
    stored = view_of(world, rows, needs).neighbours
    assert searched is not None
    assert stored is not None
    assert np.array_equal(stored.rows_NK, searched.rows_NK)
    # It is the file that is read: without it there is nothing to take them from.
    Path(store[1], graph.uri).unlink()
    with pytest.raises(NotFoundError, match="poolscore neighbours"):
        view_of(world, rows, needs)
    assert len(scored) == COUNT


def test_only_single_labels_of_the_snapshot_are_labels_and_come_by_id(world: World) -> None:
    view = view_of(world, np.arange(2), frozenset({Need.LABELED}))
    assert view.labeled is not None
    assert view.labeled.targets_L.tolist() == [0, 2]
    assert np.array_equal(view.labeled.features_LD, VECTORS[[2, 5]])
    expected = class_probabilities(VECTORS[[2, 5]], prompts())
    np.testing.assert_allclose(view.labeled.probabilities_LC, expected, atol=1e-6)
    assert view.features_ND is view.probabilities_NC is view.neighbours is view.text_CD is None


def test_nothing_is_read_that_is_not_needed(world: World) -> None:
    lost = add_prompt_version(world[0], "p", "lost", "nowhere", 1, 1, 0, {}).number
    view = view_of(world, np.arange(2), frozenset(), version=lost)
    assert view.labeled is view.features_ND is None


def test_the_classes_are_those_of_the_version(world: World) -> None:
    catalog, store, pool, scored = world
    changed = replace(pool, classes=(*pool.classes[1:], "fish"))
    view = view_of((catalog, store, changed, scored), np.array([3, 20, 0]), frozenset(Need))
    assert tuple(view.classes) == pool.classes
    assert view.labeled is not None
    assert view.labeled.targets_L.tolist() == [0, 2]


def test_every_strategy_ranks_a_stored_snapshot(world: World) -> None:
    catalog, store, pool, scored = world
    for name in strategy_names():
        record = rank(catalog, store, pool, scored, RankRequest(1, 0, name))
        ids = read_ranking(*store, record).ids(0, 100)
        # Whatever has an answer, of any kind, is not asked again.
        assert sorted(ids) == sorted(set(IDS) - set(ANSWERS))
        again = rank(catalog, store, pool, scored, RankRequest(1, 0, name))
        assert again.sha256 == record.sha256


def test_a_batchwise_strategy_chooses_a_block_and_records_it(world: World) -> None:
    catalog, store, pool, scored = world
    pool = replace(pool, train_after_labels=3)
    record = rank(catalog, store, pool, scored, RankRequest(1, 0, "coreset"))
    assert record.parameters == {"size": 100_000, "block": 3}
    items = read_ranking(*store, record).items(range(COUNT - 4))
    by_entropy = ["by entropy" in item.reason for item in items]
    assert by_entropy == [False] * 3 + [True] * (COUNT - 7)
    rest = [item.prediction.entropy for item in items[3:]]
    assert rest == sorted(rest, reverse=True)
