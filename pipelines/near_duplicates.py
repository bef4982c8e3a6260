"""Which images of a pool may be asked for, when several show the same photograph.

Shapes: N images of the pool.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.embeddings import Int64


def one_of_each_group(ids: pa.Array, open_rows: Int64, group_N: Int64) -> Int64:
    """Return the open rows that a ranking considers, ascending: of a group at most one, the lowest
    id.

    Open are the rows without an effective answer. A photograph that has been answered in one copy
    is not asked for in another one as long as anything else is open; then the other copies come, so
    that a pool can be labeled to its end. `group_N` is -1 for an image in no group.
    """
    is_open_N = np.zeros(len(group_N), np.bool_)
    is_open_N[open_rows] = True
    lowest = _lowest_id_of_groups(ids, np.flatnonzero(is_open_N & (group_N >= 0)), group_N)
    answered = np.unique(group_N[~is_open_N & (group_N >= 0)])
    known_n = np.isin(group_N[lowest], answered)
    alone = open_rows[group_N[open_rows] < 0]
    fresh = np.concatenate([alone, lowest[~known_n]])
    return np.sort(fresh if len(fresh) else lowest)


def _lowest_id_of_groups(ids: pa.Array, rows: Int64, group_N: npt.NDArray[np.int64]) -> Int64:
    names = np.array(ids.take(pa.array(rows)).to_pylist(), dtype=np.str_)
    order = np.lexsort((names, group_N[rows]))
    _, first = np.unique(group_N[rows][order], return_index=True)
    return rows[order][first]
