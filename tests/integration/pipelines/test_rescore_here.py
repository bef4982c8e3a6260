from pathlib import Path

import pytest

from pipelines.session import rescore_here
from poolscore.encoder.encoder import Encoder
from poolscore.errors import PoolscoreError
from poolscore.store.pools import get_pool
from poolscore.store.rankings import get_ranking
from poolscore.store.records import RunKind, RunState
from poolscore.store.runs import get_run
from tests.embedding_world import EmbeddingWorld
from tests.photographs import write_photographs


@pytest.fixture
def world(tmp_path: Path, encoder: Encoder) -> EmbeddingWorld:
    world = EmbeddingWorld.create(tmp_path / "home", encoder.digest)
    write_photographs(tmp_path / "images", 20)
    world.embed_in_process(tmp_path / "images", encoder)
    return world


@pytest.mark.usefixtures("cluster")
def test_a_pool_is_ranked_without_a_service(world: EmbeddingWorld) -> None:
    said: list[str] = []
    outcome = rescore_here(world.catalog, world.store, "photos", on_message=said.append)
    assert outcome.ranking.number == get_pool(world.catalog, "photos").active_ranking == 2
    first = get_ranking(world.catalog, "photos", 1)
    assert get_ranking(world.catalog, "photos", 2).sha256 == first.sha256
    run = get_run(world.catalog, "photos", 2)
    assert (run.kind, run.state, run.ranking) == (RunKind.RESCORE, RunState.SUCCEEDED, 2)
    assert said[-1] == "switching"


@pytest.mark.usefixtures("cluster")
def test_another_strategy_is_put_beside(world: EmbeddingWorld) -> None:
    outcome = rescore_here(world.catalog, world.store, "photos", "margin", 0)
    assert outcome.ranking.strategy == "margin"
    assert get_pool(world.catalog, "photos").active_ranking == 1
    assert get_run(world.catalog, "photos", 2).spec == {
        "strategy": "margin",
        "prompt_version": "pools/photos/promptVersions/0",
    }


@pytest.mark.usefixtures("cluster")
def test_what_cannot_be_is_a_run_that_failed(world: EmbeddingWorld) -> None:
    with pytest.raises(PoolscoreError, match="astrology"):
        rescore_here(world.catalog, world.store, "photos", "astrology")
    run = get_run(world.catalog, "photos", 2)
    assert run.state is RunState.FAILED
    assert "astrology" in run.error
