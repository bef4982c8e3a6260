from pathlib import Path

import pytest

from poolscore.store.pools import get_pool
from poolscore.store.rankings import get_ranking, latest_ranking_of, newest_of_strategy
from tests.ranked_pool import RankedPool


@pytest.fixture
def pool(tmp_path: Path) -> RankedPool:
    return RankedPool(tmp_path)


def test_a_named_strategy_leaves_the_active_ranking(pool: RankedPool) -> None:
    before = get_pool(pool.catalog, "p")
    number = pool.rank(strategy="margin")
    assert get_pool(pool.catalog, "p") == before
    assert get_ranking(pool.catalog, "p", number).strategy == "margin"
    assert newest_of_strategy(pool.catalog, "p", "margin") == number
    # The pool's own strategy by its name is no exception.
    assert newest_of_strategy(pool.catalog, "p", "entropy") == before.active_ranking
    again = pool.rank(strategy="entropy")
    assert newest_of_strategy(pool.catalog, "p", "entropy") == again
    assert get_pool(pool.catalog, "p") == before


def test_without_a_switch_the_ranking_waits_for_its_version(pool: RankedPool) -> None:
    number = pool.rank(prompt_version=pool.add_version(), switch=False)
    found = get_pool(pool.catalog, "p")
    assert (found.active_prompt_version, found.active_ranking) == (0, 1)
    waiting = latest_ranking_of(pool.catalog, "p", 1)
    assert waiting is not None
    assert waiting.number == number


def test_no_strategy_named_switches(pool: RankedPool) -> None:
    number = pool.rank()
    assert get_pool(pool.catalog, "p").active_ranking == number
