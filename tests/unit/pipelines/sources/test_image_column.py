from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.reading import read_bytes
from pipelines.sources import image_column
from pipelines.sources.entry import default_id
from pipelines.sources.location import locate
from pipelines.sources.path_list import list_entries
from poolscore.errors import InvalidInputError

IMAGES = [b"one", b"two", b"three", b"four", b"five"]


def _write(file: Path, column: pa.Array, **others: list[str] | pa.Array) -> Path:
    table = pa.table({"label": ["a"] * len(column), "image": column, **others})
    pq.write_table(table, file, row_group_size=2)
    return file


@pytest.mark.parametrize(
    "column",
    [
        pa.array(IMAGES),
        pa.array(IMAGES, pa.large_binary()),
        pa.array([{"bytes": each, "path": "p"} for each in IMAGES]),
    ],
)
def test_images_of_all_row_groups_can_be_read_by_their_addresses(
    tmp_path: Path, column: pa.Array
) -> None:
    path = _write(tmp_path / "a.parquet", column)
    entries = list(list_entries(locate(str(path))))
    assert [read_bytes(entry.uri, 100, entry.stamp) for entry in entries] == IMAGES
    assert entries[3].id == default_id(f"{path.as_uri()}#3")


def test_ids_are_those_of_the_id_column(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.parquet", pa.array(IMAGES), id=list("abcde"), path=list("vwxyz"))
    assert [entry.id for entry in list_entries(locate(str(path)))] == list("abcde")


def test_nulls_have_no_bytes_and_large_ones_are_not_read(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.parquet", pa.array([None, b"long"], pa.binary()))
    first, second = list_entries(locate(str(path)))
    assert read_bytes(first.uri, 100) == b""
    assert not isinstance(read_bytes(second.uri, 3), bytes)


def test_a_file_that_was_written_again_is_read_again(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.parquet", pa.array([b"one"]))
    (before,) = list_entries(locate(str(path)))
    assert read_bytes(before.uri, 100, before.stamp) == b"one"
    _write(path, pa.array([b"other"]))
    (after,) = list_entries(locate(str(path)))
    assert after.stamp != before.stamp
    assert read_bytes(after.uri, 100, after.stamp) == b"other"


def test_a_struct_whose_bytes_are_none_is_no_image_column(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.parquet", pa.array([{"bytes": 1}]), jpg=pa.array([b"one"]))
    (entry,) = list_entries(locate(str(path)))
    assert read_bytes(entry.uri, 100) == b"one"


def test_a_row_group_that_is_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _write(tmp_path / "a.parquet", pa.array(IMAGES))
    monkeypatch.setattr(image_column, "MAX_GROUP_BYTES", 3)
    with pytest.raises(InvalidInputError, match="row group 0 of") as caught:
        list(list_entries(locate(str(path))))
    assert caught.value.reason == "SOURCE_GROUP_TOO_LARGE"
