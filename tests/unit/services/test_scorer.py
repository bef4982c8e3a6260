from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from poolscore.errors import NotFoundError
from poolscore.scoring.kernel import score
from poolscore.store.manifest import ShardEntry
from poolscore.store.records import Snapshot
from services.scorer import NAMES, SCORES, Part, Scorer, manifest_of
from tests.growing_pool import ROWS, GrowingPool
from tests.shards_world import DIM, manifest_with, prompts


@pytest.fixture
def pool(tmp_path: Path) -> GrowingPool:
    return GrowingPool(tmp_path)


def check(scorer: Scorer, snapshot: Snapshot, pool: GrowingPool, count: int) -> None:
    """All parts together hold every image once and score it as the kernel does."""
    found: list[str] = []
    for number in range(count):
        part = Part(snapshot, number, count)
        names_of_part = scorer.names(part)
        assert names_of_part is not None
        ids, uris = names_of_part
        names = ids.to_pylist()
        assert uris.to_pylist() == [f"file:///{each}.jpg" for each in names]
        vectors = np.array([pool.vectors[each] for each in names], np.float16).reshape(-1, DIM)
        assert np.array_equal(scorer.take(part, np.arange(len(names))), vectors)
        expected = score(vectors, prompts()).predicted.tolist()
        assert scorer.score(part, prompts()).predicted.tolist() == expected
        found += names
    assert sorted(found) == sorted(pool.vectors)


def test_a_part_that_is_too_large_is_not_held(pool: GrowingPool) -> None:
    snapshot = pool.grow()
    needed = (2 * DIM + NAMES + SCORES) * ROWS
    assert Scorer(pool.root, needed - 1).names(Part(snapshot, 0, 1)) is None
    assert Scorer(pool.root, needed).names(Part(snapshot, 0, 1)) is not None


@pytest.mark.parametrize("count", [1, 3])
def test_parts_hold_every_image_once(pool: GrowingPool, count: int) -> None:
    scorer = Scorer(pool.root, 1 << 20)
    snapshot = [pool.grow() for _ in range(4)][-1]
    check(scorer, snapshot, pool, count)
    check(scorer, pool.grow(), pool, count)


def test_what_was_scored_once_needs_no_file(pool: GrowingPool) -> None:
    scorer, part = Scorer(pool.root, 1 << 20), Part(pool.grow(), 0, 1)
    before = scorer.score(part, prompts())
    for shard in Path(pool.root).rglob("*.parquet"):
        shard.unlink()
    assert scorer.score(part, prompts()).p_clean.tolist() == before.p_clean.tolist()


@pytest.mark.parametrize("pools", [1, 2])
def test_the_pool_that_was_not_asked_for_longest_makes_room(pool: GrowingPool, pools: int) -> None:
    scorer = Scorer(pool.root, pools * (2 * DIM + NAMES + SCORES) * ROWS)
    one = Part(pool.grow(), 0, 1)
    other = replace(one, snapshot=replace(one.snapshot, pool_id="q"))
    for part in (one, other):
        assert len(scorer.score(part, prompts())) == ROWS
    for shard in Path(pool.root).rglob("*.parquet"):
        shard.unlink()
    assert len(scorer.score(other, prompts())) == ROWS
    if pools == 2:
        assert len(scorer.score(one, prompts())) == ROWS
    else:
        with pytest.raises(NotFoundError, match="shard"):
            scorer.score(one, prompts())


def test_a_shard_stays_in_its_part_as_the_pool_grows(pool: GrowingPool) -> None:
    entries = [ShardEntry(path=f"shard-{n:03}", rows=1, embedded=1, rejected=0) for n in range(90)]
    few, many = (manifest_with(entries[:size], 1) for size in (60, 90))
    for number in range(4):
        early = set(manifest_of(few, number, 4).shards)
        late = manifest_of(many, number, 4)
        assert early <= set(late.shards)
        assert late.embedded == len(late.shards)
        # A quarter each, give or take.
        assert 10 < len(late.shards) < 40


def test_rows_stay_where_they_are_whatever_the_scorer_has_held_before(pool: GrowingPool) -> None:
    """Run 10 comes before run 9 in a manifest: what is read later does not come later."""
    grown = Scorer(pool.root, 1 << 20)
    parts = [Part(pool.grow(), 0, 1) for _ in range(11)]
    names, part = [grown.names(each) for each in parts][-1], parts[-1]
    fresh = Scorer(pool.root, 1 << 20)
    assert names == fresh.names(part)
    rows = np.arange(11 * ROWS)
    assert np.array_equal(grown.take(part, rows), fresh.take(part, rows))
    one, other = (each.score(part, prompts()) for each in (grown, fresh))
    assert one.p_clean.tolist() == other.p_clean.tolist()
