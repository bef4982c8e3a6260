from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.addresses import ParquetCell
from pipelines.row_groups import read_cell


def _write(path: Path, column: pa.Array) -> str:
    pq.write_table(pa.table({"image": column}), path)
    return path.as_uri()


def test_a_value_that_many_rows_share_is_in_memory_once(tmp_path: Path) -> None:
    indices = pa.array([0] * 1000, pa.int32())
    shared = pa.DictionaryArray.from_arrays(indices, pa.array([b"x" * 2**20]))
    file = _write(tmp_path / "a.parquet", shared)
    before = pa.total_allocated_bytes()
    value = read_cell(ParquetCell(file, "image", 0, 999), "1")
    assert value is not None
    assert value.size == 2**20
    assert pa.total_allocated_bytes() - before < 100 * 2**20


def test_nulls_of_columns_and_structs(tmp_path: Path) -> None:
    file = _write(tmp_path / "a.parquet", pa.array([{"bytes": b"a"}, {"bytes": None}, None]))
    values = [read_cell(ParquetCell(file, "image.bytes", 0, row), "1") for row in range(3)]
    assert [value and value.to_pybytes() for value in values] == [b"a", None, None]


@pytest.mark.parametrize("column", [pa.array([{"bytes": b"a"}]), pa.array([1])])
def test_what_is_no_binary_column_is_not_read(tmp_path: Path, column: pa.Array) -> None:
    file = _write(tmp_path / "a.parquet", column)
    with pytest.raises(ValueError, match="no binary column 'image'"):
        read_cell(ParquetCell(file, "image", 0, 0), "1")
