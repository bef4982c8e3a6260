from pathlib import Path

import pytest

from poolscore.errors import (
    AbortedError,
    FailedPreconditionError,
    InvalidInputError,
    NotFoundError,
)
from poolscore.store.catalog import Catalog
from poolscore.store.pools import get_pool
from poolscore.store.prompt_versions import add_prompt_version
from poolscore.store.ranking_file import LoadedRanking
from poolscore.store.rankings import (
    activate,
    common_rankings,
    get_ranking,
    latest_ranking_of,
    newest_of_strategy,
)
from poolscore.store.records import RunKind, RunState
from poolscore.store.run_queue import claim_run, finish_run
from poolscore.store.runs import start_run
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
        activate(catalog, POOL, 1, 0, ranking.record.number, over=())
    assert caught.value.reason == "PROMPTS_SUPERSEDED"
    assert get_pool(catalog, POOL) == before
    activate(catalog, POOL, 1, 0, ranking.record.number)
    assert get_pool(catalog, POOL).active_prompt_version == 0


def test_what_was_judged_against_one_version_does_not_replace_another(
    catalog: Catalog, ranking: LoadedRanking, tmp_path: Path
) -> None:
    for number in (1, 2):
        add_prompt_version(catalog, POOL, str(number), "c", number, number, number - 1, {})
    first = register_ranking(catalog, tmp_path, 20, prompt_version=1)
    second = register_ranking(catalog, tmp_path, 20, prompt_version=2)
    activate(catalog, POOL, 1, 1, first.number)
    activate(catalog, POOL, 1, 0, ranking.record.number)  # rolled back while 2 was made from 1
    with pytest.raises(AbortedError) as caught:
        activate(catalog, POOL, 1, 2, second.number, over=(1,))
    assert caught.value.reason == "PROMPTS_SUPERSEDED"
    activate(catalog, POOL, 1, 1, first.number)
    activate(catalog, POOL, 1, 2, second.number, over=(1,))
    activate(catalog, POOL, 1, 2, second.number, over=(1,))  # an attempt that was killed afterwards
    assert get_pool(catalog, POOL).active_prompt_version == 2


def test_an_attempt_that_lost_its_run_does_not_undo_a_rollback(
    catalog: Catalog, ranking: LoadedRanking, tmp_path: Path
) -> None:
    """A trainer that was held up before its switch, and thought to be gone."""
    add_prompt_version(catalog, POOL, "c", "c", 1, 1, 0, {})
    made = register_ranking(catalog, tmp_path, 20, prompt_version=1)
    start_run(catalog, POOL, RunKind.TRAIN, {})
    lost, run = (claim_run(catalog, [RunKind.TRAIN], who, -60) for who in ("one", "other"))
    assert run is not None
    assert lost is not None
    activate(catalog, POOL, 1, 1, made.number, over=(0,), run=run)
    finish_run(catalog, run, "other", RunState.SUCCEEDED, prompt_version=1)
    activate(catalog, POOL, 1, 0, ranking.record.number)
    with pytest.raises(AbortedError) as caught:
        activate(catalog, POOL, 1, 1, made.number, over=(0,), run=lost)
    assert caught.value.reason == "RUN_LOST"
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


def test_a_ranking_put_aside_is_found_by_its_strategy_and_never_rolled_back_to(
    catalog: Catalog, ranking: LoadedRanking, tmp_path: Path
) -> None:
    _, aside = (
        register_ranking(catalog, tmp_path, 5, strategy="margin", aside=True) for _ in range(2)
    )
    assert newest_of_strategy(catalog, POOL, "margin") == aside.number == 3
    assert newest_of_strategy(catalog, POOL, "entropy") == 1
    assert latest_ranking_of(catalog, POOL, 0) == ranking.record
    with pytest.raises(FailedPreconditionError, match="start a rescore run with strategy badge"):
        newest_of_strategy(catalog, POOL, "badge")


def test_two_versions_are_compared_on_the_newest_snapshot_that_both_have_ranked(
    catalog: Catalog, ranking: LoadedRanking, tmp_path: Path
) -> None:
    for number in (1, 2):
        add_prompt_version(catalog, POOL, "c" * number, "c", number, 1, 0, {})
    add_snapshot(catalog, POOL, "n.json", "f" * 64, 20, 0, "d" * 64, run=2)
    later = register_ranking(catalog, tmp_path, 5, snapshot=2, prompt_version=1)
    assert common_rankings(catalog, POOL, 0, 1) is None
    older = register_ranking(catalog, tmp_path, 5, prompt_version=1)
    assert common_rankings(catalog, POOL, 0, 1) == (ranking.record, older)
    both = register_ranking(catalog, tmp_path, 6, snapshot=2)
    register_ranking(catalog, tmp_path, 6, snapshot=2, strategy="margin", aside=True)
    assert common_rankings(catalog, POOL, 0, 1) == (both, later)
    assert common_rankings(catalog, POOL, 0, 2) is None
    assert latest_ranking_of(catalog, POOL, 0, 1) == ranking.record
    assert latest_ranking_of(catalog, POOL, 2, 1) is None
