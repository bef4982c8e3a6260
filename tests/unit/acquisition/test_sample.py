from itertools import pairwise

import numpy as np

from poolscore.acquisition.sample import sample

IDS = np.array([f"{number:x}" for number in range(4000)])


def chosen(ids: np.ndarray, count: int, seed: int) -> set[str]:
    return set(ids[sample(ids, count, seed)].tolist())


def test_the_order_of_the_rows_does_not_matter() -> None:
    shuffled = np.random.default_rng(1).permutation(IDS)
    assert chosen(IDS, 50, 7) == chosen(shuffled, 50, 7)


def test_nor_does_the_length_of_other_ids() -> None:
    longer = np.append(IDS, "z" * 40)
    assert len(chosen(IDS, 50, 7) & chosen(longer, 50, 7)) >= 49


def test_seeds_give_samples_that_have_nothing_to_do_with_each_other() -> None:
    samples = [chosen(IDS, 400, seed) for seed in range(20)]
    # Two samples of a tenth share a tenth: 40 of 400, give or take four standard deviations.
    shared = [len(one & other) for one, other in pairwise(samples)]
    assert all(16 <= each <= 64 for each in shared)


def test_every_item_is_equally_likely() -> None:
    counts = np.zeros(len(IDS))
    for seed in range(200):
        counts[sample(IDS, 400, seed)] += 1
    # Binomial(200, 0.1): mean 20, variance 18.
    assert counts.mean() == 20
    assert 16.5 < counts.var() < 19.5


def test_a_small_pool_is_taken_whole() -> None:
    assert sample(IDS[:5], 5, 0).tolist() == [0, 1, 2, 3, 4]
    assert len(sample(IDS[:0], 5, 0)) == 0
    rows = sample(IDS, 100, 3)
    assert len(set(rows.tolist())) == 100
    assert rows.tolist() == sorted(rows.tolist())
