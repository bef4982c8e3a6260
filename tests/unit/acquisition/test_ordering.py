import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from poolscore.acquisition.ordering import ascending, lowest


@given(st.lists(st.integers(0, 4), max_size=40), st.integers(0, 45), st.randoms())
def test_lowest_is_the_head_of_the_sorted_list(keys: list[int], count: int, random: object) -> None:
    ids = np.array([f"{(row * 7919) % 101:03d}" for row in range(len(keys))], dtype=np.str_)
    expected = sorted(range(len(keys)), key=lambda row: (keys[row], ids[row]))[:count]
    got = lowest(np.array(keys, np.float32), ids, count)
    assert got.tolist() == expected


def test_ascending_keeps_to_the_given_rows() -> None:
    key = np.array([5.0, 1.0, 1.0, 0.0], np.float32)
    ids = np.array(["a", "z", "b", "c"])
    assert ascending(np.array([0, 1, 2]), key, ids).tolist() == [2, 1, 0]
