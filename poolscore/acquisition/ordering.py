"""Total orders over a pool: by key, ties by id, without sorting millions of strings.

Shapes: N images of the pool.
"""

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int64]
Keys = npt.NDArray[np.floating]

_CHUNK = 1 << 19


def ascending(rows: Rows, key_N: Keys, ids_N: npt.NDArray[np.str_]) -> Rows:
    """Return `rows` sorted by (key, id); only ids of equal keys are compared."""
    order = rows[np.argsort(key_N[rows], kind="stable")]
    keys = key_N[order]
    same = keys[1:] == keys[:-1]
    tied = np.flatnonzero(np.append(same, False) | np.insert(same, 0, False))
    if len(tied):
        sub = order[tied]
        order[tied] = sub[np.lexsort((ids_N[sub], key_N[sub]))]
    return order


def lowest(key_N: Keys, ids_N: npt.NDArray[np.str_], count: int) -> Rows:
    """Return the min(count, N) rows of the smallest keys, smallest first, ties by id."""
    return ascending(lowest_with_ties(key_N, count), key_N, ids_N)[:count]


def lowest_with_ties(key_N: Keys, count: int) -> Rows:
    """Return, unsorted, every row whose key is not above the `count`-th smallest one."""
    if len(key_N) <= _CHUNK or count > _CHUNK // 4:
        return _not_above(key_N, count)
    # What is among the lowest of all is so in its chunk, and a chunk stays in the cache.
    chunks = [
        start + _not_above(key_N[start : start + _CHUNK], count)
        for start in range(0, len(key_N), _CHUNK)
    ]
    rows = np.concatenate(chunks)
    return rows[_not_above(key_N[rows], count)]


def _not_above(key_N: Keys, count: int) -> Rows:
    if count <= 0:
        return np.empty(0, np.int64)
    if count >= len(key_N):
        return np.arange(len(key_N))
    threshold = np.partition(key_N, count - 1)[count - 1]
    return np.flatnonzero(key_N <= threshold)
