from dataclasses import dataclass

import numpy as np

from poolscore.acquisition.base import Choice, Need, PoolView
from poolscore.acquisition.coreset import CoreSet
from poolscore.acquisition.entropy import Entropy
from poolscore.acquisition.whole_ranking import rank_all
from tests.unit.acquisition.views import parts_of, synthetic


def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def test_a_strategy_that_orders_the_pool_orders_all_of_it() -> None:
    view = synthetic(40, 3)
    choice = rank_all(Entropy(), parts_of(view), 30, 4, rng())
    assert choice.rows.tolist() == Entropy().query(view, 30, rng()).rows.tolist()


def test_a_batch_comes_first_and_the_rest_by_entropy() -> None:
    view = synthetic(40, 3)
    choice = rank_all(CoreSet(), parts_of(view), 30, 4, rng())
    batch = CoreSet().query(view, 4, rng()).rows.tolist()
    rest = [row for row in Entropy().query(view, 40, rng()).rows.tolist() if row not in batch]
    assert choice.rows.tolist() == [*batch, *rest][:30]
    assert "farthest" in choice.reasons[3]
    assert "after the 4 chosen as a batch, by entropy" in choice.reasons[4]


def test_the_block_is_cut_at_the_size() -> None:
    assert len(rank_all(CoreSet(), parts_of(synthetic(40, 3)), 2, 4, rng()).rows) == 2


@dataclass(frozen=True)
class Keeper:
    """Chooses the first rows and keeps the prediction of every second one."""

    name: str = "keeper"
    needs: frozenset[Need] = frozenset()
    most: int | None = None
    batchwise: bool = True

    def query(self, view: PoolView, batch_size: int, rng: np.random.Generator) -> Choice:
        del view, rng
        rows = np.arange(batch_size)
        return Choice(rows, rows.astype(np.float64), [f"row {row}" for row in rows], rows % 2 == 0)


def test_images_that_need_no_question_are_asked_last() -> None:
    view = synthetic(10, 3)
    choice = rank_all(Keeper(), parts_of(view), 10, 4, rng())
    assert choice.rows[:2].tolist() == [1, 3]
    assert choice.rows[-2:].tolist() == [0, 2]
    assert sorted(choice.rows.tolist()) == list(range(10))
    assert choice.reasons[-1] == "row 2"
    assert choice.keep_prediction is None
    assert 0 not in rank_all(Keeper(), parts_of(view), 8, 4, rng()).rows
