from datetime import timedelta
from pathlib import Path

import pytest

from pipelines.preview import preview_batch
from pipelines.previewed_batch import PreviewedBatch
from poolscore.acquisition.registry import strategy_names
from poolscore.errors import InvalidInputError
from poolscore.labels.answer import Label
from poolscore.store.change_pool import PoolChange, update_pool
from poolscore.store.leases import lease_batch
from poolscore.store.pools import get_pool
from poolscore.store.ranking_file import LoadedRanking, read_ranking
from poolscore.store.rankings import get_ranking
from poolscore.store.records import Batch
from tests.ranked_pool import RankedPool

HOUR = timedelta(hours=1)


@pytest.fixture
def pool(tmp_path: Path) -> RankedPool:
    pool = RankedPool(tmp_path)
    pool.answer("1-3", Label("cat"))
    return pool


def preview(pool: RankedPool, size: int, strategy: str, *classes: str) -> PreviewedBatch:
    return preview_batch(pool.catalog, pool.store, "p", size, strategy, classes)


def load(pool: RankedPool, number: int) -> LoadedRanking:
    return read_ranking(*pool.store, get_ranking(pool.catalog, "p", number))


def lease(pool: RankedPool, ranking: int, size: int, strategy: str = "", *classes: str) -> Batch:
    given = (size, "ann", HOUR, None, load(pool, ranking))
    return lease_batch(pool.catalog, "p", *given, strategy=strategy, classes=classes)


@pytest.mark.parametrize("strategy", strategy_names())
def test_a_rescore_and_a_lease_give_what_was_shown(pool: RankedPool, strategy: str) -> None:
    lease(pool, 1, 4)
    shown = preview(pool, 5, strategy)
    assert get_pool(pool.catalog, "p").active_ranking == shown.ranking == 1
    number = pool.rank(strategy=strategy)
    record = get_ranking(pool.catalog, "p", number)
    assert (shown.strategy, shown.seed, shown.parameters) == (
        record.strategy,
        record.seed,
        record.parameters,
    )
    assert (shown.snapshot, shown.prompt_version) == (2, 0)
    batch = lease(pool, number, 5, strategy)
    assert [item.item_id for item in shown.items] == [item.item_id for item in batch.items]
    assert [item.rank for item in shown.items] == [item.rank for item in batch.items]
    assert "1-3" not in {item.item_id for item in shown.items}


def test_a_preview_keeps_nothing(pool: RankedPool) -> None:
    first, second = preview(pool, 20, "random"), preview(pool, 20, "random")
    assert first == second
    assert len(first.items) == 19
    folder = Path(pool.root) / "pools" / "p" / "rankings"
    assert len(list(folder.iterdir())) == 1
    assert len(lease(pool, 1, 20).items) == 19
    assert preview(pool, 20, "random").items == []


def test_a_focus(pool: RankedPool) -> None:
    shown = preview(pool, 3, "", "cat")
    assert shown.strategy == "entropy"
    assert {item.prediction.predicted for item in shown.items} == {0}
    batch = lease(pool, pool.rank(), 3, "", "cat")
    assert [item.item_id for item in batch.items] == [item.item_id for item in shown.items]


def test_the_active_version_predicts_while_new_classes_wait(pool: RankedPool) -> None:
    update_pool(pool.catalog, "p", PoolChange(classes=["cat", "owl", "newt"]))
    shown = preview(pool, 3, "", "owl")
    assert shown.classes == ("cat", "dog", "owl")
    assert {item.prediction.predicted for item in shown.items} == {2}
    with pytest.raises(InvalidInputError, match="'newt' is not a class that this ranking"):
        preview(pool, 3, "", "newt")


@pytest.mark.parametrize(
    ("size", "strategy", "classes", "reason"),
    [
        (0, "", (), "INVALID_SIZE"),
        (5, "best", (), "UNKNOWN_STRATEGY"),
        (5, "", ("newt",), "UNKNOWN_CLASS"),
    ],
)
def test_bad_questions(
    pool: RankedPool, size: int, strategy: str, classes: tuple[str, ...], reason: str
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        preview(pool, size, strategy, *classes)
    assert caught.value.reason == reason
