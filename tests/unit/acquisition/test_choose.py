from dataclasses import dataclass, replace

import numpy as np
import pytest

from poolscore.acquisition.base import Choice, Need, PoolView
from poolscore.acquisition.choose import choose
from poolscore.acquisition.coverage import Coverage
from poolscore.acquisition.registry import get_strategy, strategy_names
from poolscore.acquisition.whole_ranking import rank_all
from tests.unit.acquisition.views import parts_of, synthetic


def rng() -> np.random.Generator:
    return np.random.default_rng(5)


@dataclass(frozen=True)
class Looker:
    """Chooses the first ids of what it sees, and says how much that was."""

    most: int | None
    name: str = "looker"
    needs: frozenset[Need] = frozenset({Need.FEATURES})
    batchwise: bool = True

    def query(self, view: PoolView, batch_size: int, rng: np.random.Generator) -> Choice:
        del rng
        assert view.features_ND is not None
        assert len(view.features_ND) == len(view.ids) == len(view.scores)
        rows = np.argsort(view.ids)[:batch_size]
        utilities = np.full(len(rows), view.stands_for)
        return Choice(rows, utilities, [f"{len(view.ids)} seen"] * len(rows))


def test_a_pool_that_is_too_large_is_sampled() -> None:
    view = synthetic(60, 3)
    choice = choose(Looker(20), parts_of(view), 4, rng())
    assert choice.reasons == ["20 seen"] * 4
    assert choice.utilities.tolist() == [3.0] * 4
    # Rows of the pool, not of the sample: its smallest ids in order, none of them elsewhere.
    assert view.ids[choice.rows].tolist() == sorted(view.ids[choice.rows].tolist())
    again = choose(Looker(20), parts_of(view), 20, rng())
    assert again.rows[:4].tolist() == choice.rows.tolist()
    assert len(set(again.rows.tolist())) == 20


def test_a_pool_that_is_not_is_seen_whole() -> None:
    for most in (60, None):
        choice = choose(Looker(most), parts_of(synthetic(60, 3)), 4, rng())
        assert choice.reasons == ["60 seen"] * 4


def test_a_batch_is_never_larger_than_what_is_seen() -> None:
    assert len(choose(Looker(20), parts_of(synthetic(60, 3)), 30, rng()).rows) == 30


def test_a_ranking_of_a_sampled_pool_holds_the_rest_as_well() -> None:
    choice = rank_all(Looker(20), parts_of(synthetic(60, 3)), 50, 4, rng())
    assert len(set(choice.rows.tolist())) == 50


@pytest.mark.parametrize("name", [n for n in strategy_names() if get_strategy(n).most is not None])
def test_a_strategy_that_grows_faster_than_the_pool_says_how_much_it_can_take(name: str) -> None:
    most = get_strategy(name).most
    assert most is not None
    assert 10_000 <= most <= 1_000_000


def test_coverage_counts_the_images_that_a_sample_stands_for() -> None:
    view = synthetic(60, 3)
    small = Coverage(most=20)
    sampled = choose(small, parts_of(view), 4, rng())
    whole = choose(replace(small, most=None), parts_of(view), 4, rng())
    # Both estimate the doubt that 60 images leave, one of them from 20.
    assert 0.4 < sampled.utilities[0] / whole.utilities[0] < 2.5
