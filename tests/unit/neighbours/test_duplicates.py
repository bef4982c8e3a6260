import numpy as np

from poolscore.neighbours.duplicates import SamePhotograph, duplicate_groups
from poolscore.neighbours.lists import Neighbours

RULE = SamePhotograph(similarity=0.8, structure_bits=2, gradient_bits=1)
ALL = np.ones(6, np.bool_)


def graph(*pairs: tuple[int, int, float]) -> Neighbours:
    """Each of six images has the neighbours given and else one that is far away."""
    rows = np.full((6, 3), 0, np.int32)
    similarity = np.full((6, 3), -1.0, np.float32)
    for one, other, cosine in pairs:
        place = int((similarity[one] > -1).sum())
        rows[one, place], similarity[one, place] = other, cosine
    return Neighbours(rows, similarity)


def hashes(*words: tuple[int, int]) -> np.ndarray:
    return np.array(words, np.uint64)


def test_pairs_make_groups_and_groups_have_the_lowest_row() -> None:
    near = graph((1, 4, 0.9), (4, 5, 0.85), (2, 3, 0.9))
    words = hashes((0, 0), (7, 7), (0, 0), (0, 0), (7, 7), (7, 7))
    assert duplicate_groups(near, words, ALL, RULE).tolist() == [-1, 1, 2, 2, 1, 1]


def test_both_the_embedding_and_both_halves_of_the_hash_must_agree() -> None:
    near = graph((0, 1, 0.79), (2, 3, 0.8), (4, 5, 1.0))
    same = hashes(*[(0, 0)] * 6)
    assert duplicate_groups(near, same, ALL, RULE).tolist() == [-1, -1, 2, 2, 4, 4]
    bits = hashes((0, 0), (0, 0), (0, 0), (0b111, 0), (0, 0), (0b11, 0b1))
    assert duplicate_groups(near, bits, ALL, RULE).tolist() == [-1, -1, -1, -1, 4, 4]
    gradients = hashes(*[(0, 0)] * 5, (0, 0b11))
    assert duplicate_groups(near, gradients, ALL, RULE).tolist() == [-1, -1, 2, 2, -1, -1]


def test_an_image_without_a_hash_is_in_no_group() -> None:
    near = graph((0, 1, 1.0), (2, 3, 1.0))
    known = np.array([True, False, True, True, True, True])
    assert duplicate_groups(near, hashes(*[(0, 0)] * 6), known, RULE).tolist() == [
        *(-1, -1, 2, 2),
        *(-1, -1),
    ]


def test_a_long_chain_is_one_group() -> None:
    count = 5000
    order = np.random.default_rng(0).permutation(count).astype(np.int32)
    rows = np.empty((count, 1), np.int32)
    rows[order[:-1], 0], rows[order[-1], 0] = order[1:], order[0]
    near = Neighbours(rows, np.ones((count, 1), np.float32))
    groups = duplicate_groups(near, np.zeros((count, 2), np.uint64), np.ones(count, np.bool_))
    assert (groups == 0).all()
