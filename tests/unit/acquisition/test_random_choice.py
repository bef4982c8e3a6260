import numpy as np

from poolscore.acquisition.base import PoolView
from poolscore.acquisition.random_choice import RandomChoice
from poolscore.scoring.types import Scores


def view_of(ids: list[str]) -> PoolView:
    zeros = np.zeros(len(ids), np.float32)
    scores = Scores(np.zeros(len(ids), np.int32), zeros, zeros, zeros, zeros)
    return PoolView(np.array(ids), scores, ["only"])


def test_every_item_is_drawn_equally_often() -> None:
    view = view_of([f"photo-{number}.jpg" for number in range(20)])
    drawn = np.zeros(20)
    for seed in range(2000):
        drawn[RandomChoice().query(view, 5, np.random.default_rng(seed)).rows] += 1
    # Binomial(2000, 1/4): mean 500, standard deviation 19.4; five deviations either side.
    assert drawn.min() > 400
    assert drawn.max() < 600


def test_pairs_are_drawn_independently() -> None:
    view = view_of(["a", "b", "c", "d"])
    first_two = [
        tuple(RandomChoice().query(view, 2, np.random.default_rng(seed)).rows.tolist())
        for seed in range(2400)
    ]
    counts = [first_two.count((i, j)) for i in range(4) for j in range(4) if i != j]
    # Twelve ordered pairs, 200 expected each, standard deviation 13.5.
    assert min(counts) > 130
    assert max(counts) < 270


def test_a_longer_id_elsewhere_does_not_change_the_draw() -> None:
    ids = [f"{number}" for number in range(50)]
    rng = np.random.default_rng
    short = RandomChoice().query(view_of(ids), 50, rng(1)).rows
    padded = RandomChoice().query(view_of([*ids, "a-much-longer-id"]), 51, rng(1)).rows
    assert [row for row in padded.tolist() if row != 50] == short.tolist()
