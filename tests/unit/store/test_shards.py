from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import fs

from poolscore.errors import FailedPreconditionError, NotFoundError
from poolscore.store.shards import (
    WRITE_OPTIONS,
    embeddings_from_arrow,
    embeddings_to_arrow,
    read_hashes,
    read_shard,
    shard_schema,
)

LOCAL = fs.LocalFileSystem()
DIM = 5


def embeddings(rows: int) -> npt.NDArray[np.float16]:
    return (np.arange(rows * DIM) / 8).astype(np.float16).reshape(rows, DIM)


def write(path: Path, rows: int, rejected: tuple[int, ...] = (), **options: Any) -> None:
    schema = shard_schema(DIM, "d" * 64)
    valid = ~np.isin(np.arange(rows), rejected)
    columns: dict[str, Any] = {
        name: pa.nulls(rows, schema.field(name).type) for name in schema.names
    }
    columns |= {
        "id": [f"item-{row}" for row in range(rows)],
        "uri": [f"/images/{row}.jpg" for row in range(rows)],
        "embedding": embeddings_to_arrow(embeddings(rows), valid),
        "width": pa.array(np.arange(rows, dtype=np.int32)),
        "reject_reason": [None if good else "EMPTY" for good in valid],
    }
    pq.write_table(pa.table(columns, schema=schema), path, **{**WRITE_OPTIONS, **options})


def owner(array: npt.NDArray[Any]) -> object:
    """What holds the memory that an array shows."""
    base: Any = array
    while isinstance(base, np.ndarray) and base.base is not None:
        base = base.base
    return base


def test_the_schema_says_how_to_read_it_without_this_library(tmp_path: Path) -> None:
    write(tmp_path / "s.parquet", 3)
    stored = pq.read_schema(tmp_path / "s.parquet")
    assert stored.field("embedding").type == pa.binary(2 * DIM)
    assert {key.decode(): value.decode() for key, value in stored.metadata.items()} == {
        "dim": "5",
        "dtype": "float16",
        "normalized": "true",
        "encoder": "d" * 64,
    }


def test_bytes_are_little_endian_halves() -> None:
    column = embeddings_to_arrow(np.array([[1.0, -2.0]], np.float16))
    assert column[0].as_py() == bytes([0x00, 0x3C, 0x00, 0xC0])


def test_to_arrow_and_back_shares_memory() -> None:
    array = embeddings(4)
    assert np.shares_memory(embeddings_from_arrow(embeddings_to_arrow(array)), array)
    part = embeddings_from_arrow(embeddings_to_arrow(array).slice(1, 2))
    assert np.shares_memory(part, array)
    np.testing.assert_array_equal(part, array[1:3])


def test_a_shard_without_rejects_is_read_without_a_copy(tmp_path: Path) -> None:
    write(tmp_path / "s.parquet", 7)
    data = read_shard(LOCAL, str(tmp_path / "s.parquet"))
    np.testing.assert_array_equal(data.embeddings_ND, embeddings(7))
    assert data.embeddings_ND.dtype == np.float16
    assert data.embeddings_ND.flags.c_contiguous
    assert isinstance(owner(data.embeddings_ND), pa.Buffer)


@pytest.mark.parametrize("row_group_size", [1, 3, 100])
@pytest.mark.parametrize("rejected", [(), (0,), (2, 3, 6), tuple(range(7))])
def test_only_embedded_rows_come_back_in_step(
    tmp_path: Path, row_group_size: int, rejected: tuple[int, ...]
) -> None:
    write(tmp_path / "s.parquet", 7, rejected, row_group_size=row_group_size)
    data = read_shard(LOCAL, str(tmp_path / "s.parquet"), ["width"])
    kept = [row for row in range(7) if row not in rejected]
    assert len(data) == len(kept)
    assert data.ids.to_pylist() == [f"item-{row}" for row in kept]
    assert data.uris.to_pylist() == [f"/images/{row}.jpg" for row in kept]
    assert data.columns.column("width").to_pylist() == kept
    assert data.embeddings_ND.shape == (len(kept), DIM)
    np.testing.assert_array_equal(data.embeddings_ND, embeddings(7)[kept])


def test_a_missing_and_a_broken_shard_are_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"s\.parquet") as missing:
        read_shard(LOCAL, str(tmp_path / "s.parquet"))
    assert missing.value.reason == "SHARD_NOT_FOUND"
    write(tmp_path / "s.parquet", 3)
    content = (tmp_path / "s.parquet").read_bytes()
    (tmp_path / "s.parquet").write_bytes(content[: len(content) // 2])
    with pytest.raises(FailedPreconditionError, match=r"s\.parquet") as broken:
        read_shard(LOCAL, str(tmp_path / "s.parquet"))
    assert broken.value.reason == "SHARD_CORRUPT"
    pq.write_table(pa.table({"id": ["a"], "uri": ["b"], "embedding": [[1.0]]}), tmp_path / "l")
    with pytest.raises(FailedPreconditionError, match="list"):
        read_shard(LOCAL, str(tmp_path / "l"))
    pq.write_table(pa.table({"id": ["a"]}), tmp_path / "c")
    with pytest.raises(FailedPreconditionError, match="uri"):
        read_shard(LOCAL, str(tmp_path / "c"))


def test_hashes_are_those_of_the_embedded_rows_and_null_in_older_shards(tmp_path: Path) -> None:
    path = tmp_path / "s.parquet"
    write(path, 4, rejected=(1,))
    table = pq.read_table(path)
    place = table.schema.get_field_index("perceptual_hash")
    hashes = [bytes([row]) * 16 for row in range(4)]
    column = pa.array(hashes, pa.binary(16))
    pq.write_table(table.set_column(place, "perceptual_hash", column), path)
    assert read_hashes(LOCAL, str(path)).to_pylist() == [hashes[0], hashes[2], hashes[3]]
    pq.write_table(table.drop_columns(["perceptual_hash"]), path)
    assert read_hashes(LOCAL, str(path)).to_pylist() == [None] * 3
    assert len(read_shard(LOCAL, str(path))) == 3
