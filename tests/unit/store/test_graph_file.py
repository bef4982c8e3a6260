from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import fs

from poolscore.errors import FailedPreconditionError, NotFoundError
from poolscore.neighbours.graph import Graph
from poolscore.neighbours.lists import Neighbours
from poolscore.store import graph_file
from poolscore.store.graph_file import (
    read_graph,
    read_groups,
    read_list,
    read_neighbours,
    write_graph,
)

LOCAL = fs.LocalFileSystem()


def graph(count: int = 50, k: int = 3) -> Graph:
    rng = np.random.default_rng(0)
    return Graph(
        pa.array([f"item-{row}" for row in range(count)]),
        rng.integers(0, 2**63, count).astype(np.uint64),
        Neighbours(
            rng.integers(0, count, (count, k)).astype(np.int32),
            rng.random((count, k)).astype(np.float32),
        ),
        rng.integers(-1, 5, count).astype(np.int32),
    )


@pytest.mark.parametrize("group", [7, 1 << 17])
def test_a_graph_comes_back_as_it_was(
    tmp_path: Path, group: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graph_file, "_ROWS_PER_GROUP", group)
    written = graph()
    path, sha256 = write_graph(LOCAL, str(tmp_path), written)
    assert Path(path).name == f"{sha256}.parquet"
    found = read_graph(LOCAL, path)
    assert found.ids.equals(written.ids)
    assert np.array_equal(found.fingerprint_N, written.fingerprint_N)
    assert np.array_equal(found.neighbours.rows_NK, written.neighbours.rows_NK)
    assert np.array_equal(found.neighbours.similarity_NK, written.neighbours.similarity_NK)
    assert np.array_equal(found.group_N, written.group_N)
    ids, groups = read_groups(LOCAL, path)
    assert ids.equals(written.ids)
    assert np.array_equal(groups, written.group_N)
    assert np.array_equal(read_neighbours(LOCAL, path)[1].rows_NK, written.neighbours.rows_NK)
    for row in (0, 6, 7, 49):
        rows, similarities = read_list(LOCAL, path, row)
        assert np.array_equal(rows, written.neighbours.rows_NK[row])
        assert np.array_equal(similarities, written.neighbours.similarity_NK[row])


def test_the_same_graph_is_the_same_file_and_nothing_else_is_left(tmp_path: Path) -> None:
    first = write_graph(LOCAL, str(tmp_path), graph())
    assert write_graph(LOCAL, str(tmp_path), graph()) == first
    assert write_graph(LOCAL, str(tmp_path), graph(k=4)) != first
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".parquet", ".parquet"]


def test_a_missing_or_damaged_graph_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="poolscore neighbours"):
        read_graph(LOCAL, str(tmp_path / "gone.parquet"))
    path, _ = write_graph(LOCAL, str(tmp_path), graph())
    data = bytearray(Path(path).read_bytes())
    data[100] ^= 1
    Path(path).write_bytes(data)
    with pytest.raises(FailedPreconditionError) as caught:
        read_graph(LOCAL, path)
    assert caught.value.reason == "GRAPH_CORRUPT"
