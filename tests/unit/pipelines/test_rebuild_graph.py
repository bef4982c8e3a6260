from pathlib import Path

import pytest

from pipelines.rebuild_graph import rebuild_graph
from poolscore.errors import FailedPreconditionError
from poolscore.store.prompt_versions import add_prompt_version
from poolscore.store.rankings import activate, add_ranking
from poolscore.store.records import RunProgress
from tests.growing_pool import GrowingPool
from tests.shards_world import DIGEST


def test_the_active_snapshot_gets_the_graph(tmp_path: Path) -> None:
    pool, said = GrowingPool(tmp_path), list[RunProgress]()
    with pytest.raises(FailedPreconditionError) as caught:
        rebuild_graph(pool.catalog, pool.store, "p", 3, said.append)
    assert caught.value.reason == "POOL_NOT_EMBEDDED"
    pool.grow()
    add_prompt_version(pool.catalog, "p", "digest", "uri", 0, 0, None, {})
    add_ranking(pool.catalog, "p", 1, 0, "entropy", {}, 0, "1", DIGEST, "uri", "sha", 10)
    activate(pool.catalog, "p", 1, 0, 1)
    pool.grow()
    for _ in range(2):
        said.clear()
        outcome = rebuild_graph(pool.catalog, pool.store, "p", 3, said.append)
        assert (outcome.graph.snapshot, outcome.graph.k) == (1, 3)
        assert (said[0].done, said[-1].done, said[-1].total) == (0, 10, 10)
        assert [stage.stage for stage in outcome.stages] == ["neighbours"]
