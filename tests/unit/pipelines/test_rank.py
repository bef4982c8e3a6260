from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from pipelines.embeddings import ScoredPool
from pipelines.neighbours import make_graph
from pipelines.places import Store
from pipelines.pool_graph import stored_groups
from pipelines.rank import RankRequest, default_seed, rank
from pipelines.resident import Block, ResidentEmbeddings
from pipelines.scan import scan
from poolscore import __version__
from poolscore.acquisition.registry import strategy_names
from poolscore.errors import InvalidInputError
from poolscore.labels.answer import Abstain, Label, LabelInput
from poolscore.prompts.artefact import save_prompts
from poolscore.prompts.trained import TrainedPrompts
from poolscore.scoring.types import Scores
from poolscore.store.catalog import Catalog
from poolscore.store.files import relative
from poolscore.store.prompt_versions import add_prompt_version
from poolscore.store.ranking_file import read_ranking
from poolscore.store.record_labels import record_labels
from poolscore.store.records import Pool
from poolscore.store.snapshots import add_snapshot
from tests.growing_pool import GrowingPool
from tests.shards_world import DIGEST, open_world, prompts

World = tuple[Catalog, Store, Pool]
ENTROPY = [0.1, 0.9, 0.5, 0.7]


@pytest.fixture
def world(tmp_path: Path) -> World:
    catalog, store, pool = open_world(tmp_path)
    add_snapshot(catalog, "p", "uri", "sha", 4, 0, DIGEST)
    add_prompt_version(catalog, "p", "digest", "uri", 0, 0, None, {})
    return catalog, store, pool


def _scored(order: list[int] | None = None) -> ScoredPool:
    rows = order or [0, 1, 2, 3]
    ids = np.array([f"i{row}" for row in rows])
    numbers = [np.array(ENTROPY, np.float32)[rows]] * 4
    scores = Scores(np.zeros(4, np.int32), *numbers)
    uris = pa.array([f"file:///{each}" for each in ids], pa.large_string())
    block = Block({}, pa.array(ids), uris, np.zeros((4, 2), np.float16))
    return ScoredPool(ResidentEmbeddings((block,)), scores)


def test_items_come_by_the_pools_strategy_with_their_provenance(world: World) -> None:
    catalog, store, pool = world
    record = rank(catalog, store, pool, _scored(), RankRequest(1, 0))
    ranking = read_ranking(*store, record)
    assert ranking.ids(0, 10) == ["i1", "i3", "i2", "i0"]
    assert [item.uri for item in ranking.items([0])] == ["file:///i1"]
    assert (record.snapshot, record.prompt_version, record.strategy) == (1, 0, "entropy")
    assert (record.encoder_digest, record.code_version) == (DIGEST, __version__)
    assert (record.seed, record.size) == (default_seed(RankRequest(1, 0)), 4)
    assert record.parameters == {"size": 100_000}


def test_same_inputs_and_seed_give_the_same_bytes(world: World) -> None:
    catalog, store, pool = world
    requests = [RankRequest(1, 0, "random", seed) for seed in (3, 3, 4)]
    first, second, other = (rank(catalog, store, pool, _scored(), each) for each in requests)
    assert (first.number, second.number) == (1, 2)
    assert first.sha256 == second.sha256
    assert first.sha256 != other.sha256


def test_the_order_of_the_shards_does_not_matter(world: World) -> None:
    catalog, store, pool = world
    for strategy in ("random", "dual_prompt", "margin"):
        request = RankRequest(1, 0, strategy)
        straight = rank(catalog, store, pool, _scored(), request)
        shuffled = rank(catalog, store, pool, _scored([2, 0, 3, 1]), request)
        assert straight.sha256 == shuffled.sha256


def test_the_ranking_is_cut_at_its_size(world: World) -> None:
    catalog, store, pool = world
    record = rank(catalog, store, pool, _scored(), RankRequest(1, 0, size=2))
    assert read_ranking(*store, record).ids(0, 10) == ["i1", "i3"]


def test_answered_items_are_left_out(world: World) -> None:
    catalog, store, pool = world
    answers = [LabelInput("i1", Label("cat"), "ann"), LabelInput("i2", Abstain(), "ann")]
    results = record_labels(
        catalog, "p", answers, "request", known_items=lambda ids: [True] * len(ids)
    )
    assert all(result.accepted for result in results), results
    record = rank(catalog, store, pool, _scored(), RankRequest(1, 0))
    assert read_ranking(*store, record).ids(0, 10) == ["i3", "i0"]


def test_unknown_strategy(world: World) -> None:
    catalog, store, pool = world
    with pytest.raises(InvalidInputError) as caught:
        rank(catalog, store, pool, _scored(), RankRequest(1, 0, "best"))
    assert caught.value.reason == "UNKNOWN_STRATEGY"


def test_seeds_depend_on_what_is_ranked() -> None:
    seeds = {
        default_seed(RankRequest(snapshot, version)) for snapshot in (1, 2) for version in (0, 1)
    }
    assert len(seeds) == 4
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert default_seed(RankRequest(1, 0)) == default_seed(RankRequest(1, 0, "random"))


def test_no_ranking_holds_two_images_of_a_group(tmp_path: Path) -> None:
    """Whatever the strategy, and however many images are answered; then the copies come."""
    pool = GrowingPool(tmp_path)
    catalog, store = pool.catalog, pool.store
    one, two = bytes(16), b"\xff" * 16
    pool.grow([one, one, one, *[None] * 7])
    snapshot = pool.grow([two, None, two, one, *[None] * 6])
    digest, path = save_prompts(store[0], f"{store[1]}/prompts", TrainedPrompts(prompts()), {})
    add_prompt_version(catalog, "p", digest, relative(store[1], path), 0, 0, None, {})
    graph = make_graph(catalog, store, snapshot, 19)
    held = scan(store, snapshot)
    scored = ScoredPool(held, held.score(prompts()))
    ids = held.ids.to_pylist()
    group = dict(zip(ids, stored_groups(store, graph, held.ids).tolist(), strict=True))
    assert graph.details["groups"] > 0

    def ranked(strategy: str) -> list[str]:
        request = RankRequest(snapshot.number, 0, strategy)
        record = rank(catalog, store, pool.pool, scored, request)
        assert record.parameters["neighbours"] == graph.sha256
        return read_ranking(*store, record).ids(0, 100)

    def answer(items: Sequence[str]) -> None:
        given = [LabelInput(item, Label("cat"), "ann") for item in items]
        record_labels(
            catalog, "p", given, "-".join(items), known_items=lambda ids: [True] * len(ids)
        )

    grouped = [item for item in ids if group[item] >= 0]
    photographs = {each for each in group.values() if each >= 0}
    for strategy in strategy_names():
        found = ranked(strategy)
        # One image of each group: the lowest id.
        lowest = {min(item for item in grouped if group[item] == each) for each in photographs}
        assert sorted(found) == sorted({*ids} - {*grouped} | lowest)
    first = min(grouped)
    answer([first])
    after = ranked("entropy")
    assert group[first] not in {group[item] for item in after}
    answer(after)
    copies = ranked("entropy")
    assert sorted(group[item] for item in copies) == sorted(
        {group[item] for item in grouped if item not in {first, *after}}
    )
    answer(copies)
    answered = {first, *after, *copies}
    while rest := ranked("entropy"):
        assert not answered & {*rest}
        answer(rest)
        answered |= {*rest}
    assert answered == {*ids}
