"""Scorers as actors of a real Ray; what they compute is tested in unit/services/test_scorer.py."""

from pathlib import Path

import numpy as np
import pytest
import ray

from pipelines.embeddings import rows_of
from pipelines.scan import scan
from poolscore.config import Settings
from poolscore.errors import NotFoundError
from poolscore.store.files import open_store
from poolscore.store.records import Snapshot
from services.scorer_actors import start_scorers
from services.scorers import RemoteEmbeddings, opener
from tests.growing_pool import GrowingPool
from tests.shards_world import prompts


@pytest.fixture
def pool(tmp_path: Path) -> GrowingPool:
    return GrowingPool(tmp_path)


def rows_by_id(pool: GrowingPool, snapshot: Snapshot) -> None:
    """What the scorers say of every image is what its shard says."""
    held, read = opener(pool.root)(snapshot), scan(open_store(pool.root), snapshot)
    assert isinstance(held, RemoteEmbeddings)
    ids = held.ids.to_pylist()
    assert sorted(ids) == sorted(read.ids.to_pylist())
    place = {item: row for row, item in enumerate(read.ids.to_pylist())}
    rows = np.array([place[item] for item in ids])
    backwards = np.arange(len(ids))[::-1]
    assert np.array_equal(held.take(backwards), read.take(rows)[::-1])
    assert held.uris.to_pylist() == read.uris.take(rows).to_pylist()
    p_clean = read.score(prompts()).p_clean[rows]
    np.testing.assert_allclose(held.score(prompts()).p_clean, p_clean, atol=1e-6)


@pytest.mark.usefixtures("cluster")
def test_a_scorer_that_died_reads_its_part_again(pool: GrowingPool) -> None:
    scorers = start_scorers(Settings(scorers=2, store=pool.root))
    try:
        snapshot = [pool.grow() for _ in range(4)][-1]
        rows_by_id(pool, snapshot)
        ray.kill(scorers[0], no_restart=False)
        rows_by_id(pool, snapshot)
        later = [pool.grow() for _ in range(7)][-1]
        before = opener(pool.root)(later)
        ray.kill(scorers[1], no_restart=False)
        # Asked for its rows, the new actor must have them in the order that the old one had.
        assert np.array_equal(
            before.take(np.arange(len(before.ids))),
            scan(open_store(pool.root), later).take(
                rows_of(scan(open_store(pool.root), later).ids, before.ids.to_pylist())
            ),
        )
        rows_by_id(pool, later)
        missing = pool.grow()
        for shard in Path(pool.root).rglob("*.parquet"):
            shard.unlink()
        with pytest.raises(NotFoundError, match="missing from the file store"):
            opener(pool.root)(missing)
    finally:
        for scorer in scorers:
            ray.kill(scorer)
