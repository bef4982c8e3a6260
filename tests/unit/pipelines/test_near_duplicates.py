import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from pipelines.near_duplicates import one_of_each_group

IDS = pa.array(["e", "d", "c", "b", "a"])
GROUPS = np.array([0, -1, 0, 3, 3])


def considered(open_rows: list[int]) -> list[int]:
    return one_of_each_group(IDS, np.array(open_rows, np.int64), GROUPS).tolist()


def test_of_a_group_the_lowest_open_id_is_considered() -> None:
    assert considered([0, 1, 2, 3, 4]) == [1, 2, 4]


def test_copies_of_an_answered_photograph_come_when_nothing_else_is_left() -> None:
    assert considered([0, 1, 3, 4]) == [1, 4]
    assert considered([0, 1, 3]) == [1]
    assert considered([0, 3]) == [0, 3]
    assert considered([]) == []


@given(st.lists(st.tuples(st.integers(-1, 4), st.booleans()), max_size=30))
def test_never_two_of_a_group_and_never_nothing_while_something_is_open(
    rows: list[tuple[int, bool]],
) -> None:
    groups = np.array([group for group, _ in rows], np.int64)
    open_rows = np.flatnonzero(np.array([is_open for _, is_open in rows], np.bool_))
    ids = pa.array([f"i{row * 7919 % 31:02d}-{row}" for row in range(len(rows))], pa.string())
    found = one_of_each_group(ids, open_rows, groups)
    assert set(found.tolist()) <= set(open_rows.tolist())
    grouped = groups[found][groups[found] >= 0]
    assert len(np.unique(grouped)) == len(grouped)
    assert bool(len(found)) == bool(len(open_rows))
    shuffled = np.random.default_rng(0).permutation(open_rows)
    assert np.array_equal(one_of_each_group(ids, shuffled, groups), found)
