from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.sources import absolute_uri, list_source
from poolscore.errors import InvalidInputError
from poolscore.images.reject import RejectReason


def _touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


def test_folder_is_listed_recursively_by_path_and_only_image_suffixes(tmp_path: Path) -> None:
    _touch(tmp_path / "b.JPG")
    _touch(tmp_path / "a" / "z.png")
    _touch(tmp_path / "a" / "notes.txt")
    _touch(tmp_path / "a b" / "ü#.webp")
    listing = list_source(str(tmp_path))
    assert listing.inputs["uri"].to_pylist() == [
        (tmp_path / name).as_uri() for name in ("a b/ü#.webp", "a/z.png", "b.JPG")
    ]
    assert listing.rejects == []


def test_default_id_is_the_128_bit_blake2b_of_the_uri(tmp_path: Path) -> None:
    path = _touch(tmp_path / "a.jpg")
    listing = list_source(str(tmp_path))
    expected = blake2b(path.as_uri().encode(), digest_size=16).hexdigest()
    assert listing.inputs["id"].to_pylist() == [expected]
    assert len(expected) == 32


def test_links_to_folders_are_followed_and_cycles_end(tmp_path: Path) -> None:
    _touch(tmp_path / "elsewhere" / "a.jpg")
    root = tmp_path / "root"
    root.mkdir()
    (root / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to(root)
    uris = list_source(str(root)).inputs["uri"].to_pylist()
    assert uris == [(root / "linked" / "a.jpg").as_uri()]


def test_csv_paths_count_from_the_folder_of_the_list(tmp_path: Path) -> None:
    listed = tmp_path / "list.csv"
    listed.write_text("path,label\nimages/a.jpg,cat\n/abs/b.jpg,dog\ns3://bucket/c.jpg,cat\n")
    assert list_source(str(listed)).inputs["uri"].to_pylist() == [
        (tmp_path / "images/a.jpg").as_uri(),
        "file:///abs/b.jpg",
        "s3://bucket/c.jpg",
    ]


def test_given_ids_stay_text_and_the_first_of_equal_ids_wins(tmp_path: Path) -> None:
    listed = tmp_path / "list.csv"
    listed.write_text("id,uri\n007,a.jpg\n8,b.jpg\n007,c.jpg\n007,d.jpg\n007~2,e.jpg\n")
    listing = list_source(str(listed))
    assert listing.inputs["id"].to_pylist() == ["007", "8", "007~2"]
    assert [reject.id for reject in listing.rejects] == ["007~3", "007~4"]
    assert {reject.reject.reason for reject in listing.rejects} == {RejectReason.DUPLICATE_ID}
    assert "a.jpg" in listing.rejects[0].reject.detail
    assert listing.rejects[0].uri.endswith("c.jpg")


def test_parquet_list(tmp_path: Path) -> None:
    listed = tmp_path / "list.parquet"
    pq.write_table(pa.table({"path": ["a.jpg", "b.jpg"], "id": [1, 2]}), listed)
    listing = list_source(str(listed))
    assert listing.inputs["id"].to_pylist() == ["1", "2"]


@pytest.mark.parametrize(
    ("make", "reason", "words"),
    [
        (lambda d: d / "missing", "SOURCE_NOT_FOUND", "does not exist"),
        (lambda d: d, "SOURCE_EMPTY", "no images"),
        (lambda d: _touch(d / "x.zip"), "SOURCE_UNSUPPORTED", "neither"),
        (lambda d: _text(d / "x.csv", "file,label\na.jpg,b\n"), "SOURCE_COLUMN_MISSING", "file"),
        (lambda d: _text(d / "x.csv", "path\n"), "SOURCE_EMPTY", "no rows"),
        (lambda d: _text(d / "x.csv", ""), "SOURCE_UNREADABLE", "cannot be used"),
        (lambda d: _text(d / "x.parquet", "PAR"), "SOURCE_UNREADABLE", "cannot be used"),
    ],
)
def test_errors_say_what_and_where(
    tmp_path: Path, make: Callable[[Path], Path], reason: str, words: str
) -> None:
    source = make(tmp_path)
    with pytest.raises(InvalidInputError, match=words) as caught:
        list_source(str(source))
    assert caught.value.reason == reason
    assert str(source) in caught.value.message


def _text(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_a_dotted_path_is_normalised_so_that_one_file_has_one_id(tmp_path: Path) -> None:
    assert absolute_uri("./x/../a.jpg", tmp_path) == (tmp_path / "a.jpg").as_uri()
