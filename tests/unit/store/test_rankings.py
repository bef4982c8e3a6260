from pathlib import Path

import pytest

from poolscore.errors import AbortedError, InvalidInputError, NotFoundError
from poolscore.store.catalog import Catalog
from poolscore.store.pools import get_pool
from poolscore.store.prompt_versions import add_prompt_version
from poolscore.store.ranking_file import LoadedRanking
from poolscore.store.rankings import activate, get_ranking, latest_ranking_of
from poolscore.store.snapshots import add_snapshot
from tests.store_world import POOL, add_pool, register_ranking


def test_a_ranking_keeps_its_provenance(catalog: Catalog, ranking: LoadedRanking) -> None:
    stored = get_ranking(catalog, POOL, 1)
    assert stored == ranking.record
    assert (stored.strategy, stored.parameters, stored.seed) == ("entropy", {"k": 1}, 7)
    assert (stored.snapshot, stored.prompt_version, stored.size) == (1, 0, 20)


def test_a_switch_changes_all_three_pointers_and_the_etag(
    catalog: Catalog, ranking: LoadedRanking, tmp_path: Path
) -> None:
    add_prompt_version(catalog, POOL, "c", "c", 1, 1, 0, {})
    second = register_ranking(catalog, tmp_path, 5, prompt_version=1)
    before = get_pool(catalog, POOL)
    assert (before.active_prompt_version, before.active_ranking) == (0, 1)
    activate(catalog, POOL, 1, 1, second.number)
    after = get_pool(catalog, POOL)
    assert (after.active_snapshot, after.active_prompt_version, after.active_ranking) == (1, 1, 2)
    assert after.etag != before.etag
    assert latest_ranking_of(catalog, POOL, 0) == ranking.record
    assert latest_ranking_of(catalog, POOL, 1) == second
    assert latest_ranking_of(catalog, POOL, 2) is None


def test_half_a_switch_is_refused(catalog: Catalog, ranking: LoadedRanking) -> None:
    add_prompt_version(catalog, POOL, "c", "c", 1, 1, 0, {})
    before = get_pool(catalog, POOL)
    with pytest.raises(InvalidInputError) as caught:
        activate(catalog, POOL, 1, 1, 1)
    assert caught.value.reason == "RANKING_MISMATCH"
    with pytest.raises(NotFoundError) as missing:
        activate(catalog, POOL, 1, 0, 9)
    assert missing.value.reason == "RANKING_NOT_FOUND"
    assert get_pool(catalog, POOL) == before


def test_a_late_ranking_never_brings_older_prompts_back(
    catalog: Catalog, ranking: LoadedRanking, tmp_path: Path
) -> None:
    add_prompt_version(catalog, POOL, "c", "c", 1, 1, 0, {})
    newer = register_ranking(catalog, tmp_path, 20, prompt_version=1)
    activate(catalog, POOL, 1, 1, newer.number)
    before = get_pool(catalog, POOL)
    with pytest.raises(AbortedError) as caught:
        activate(catalog, POOL, 1, 0, ranking.record.number, keep_version=True)
    assert caught.value.reason == "PROMPTS_SUPERSEDED"
    assert get_pool(catalog, POOL) == before
    activate(catalog, POOL, 1, 0, ranking.record.number)
    assert get_pool(catalog, POOL).active_prompt_version == 0


def test_a_late_run_never_brings_an_older_snapshot_back(
    catalog: Catalog, ranking: LoadedRanking, tmp_path: Path
) -> None:
    add_snapshot(catalog, POOL, "n.json", "c" * 64, 20, 0, "d" * 64, run=2)
    newer = register_ranking(catalog, tmp_path, 20, snapshot=2)
    activate(catalog, POOL, 2, 0, newer.number)
    before = get_pool(catalog, POOL)
    with pytest.raises(AbortedError) as caught:
        activate(catalog, POOL, 1, 0, ranking.record.number)
    assert caught.value.reason == "SNAPSHOT_SUPERSEDED"
    assert get_pool(catalog, POOL) == before


def test_provenance_must_exist(catalog: Catalog, tmp_path: Path) -> None:
    add_pool(catalog)
    with pytest.raises(NotFoundError) as caught:
        register_ranking(catalog, tmp_path, 3)
    assert caught.value.reason == "SNAPSHOT_NOT_FOUND"
