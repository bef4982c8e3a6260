from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.sources.listing import Listing, list_sources
from pipelines.sources.resolve import check_sources
from poolscore.errors import InvalidInputError
from poolscore.images.reject import RejectReason
from tests.unit.pipelines.sources.test_tar import write_tar


def list_source(*sources: str) -> Listing:
    return list_sources(check_sources(sources))


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
    assert len(listing.refused) == 0


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
    first, second = listing.refused.to_pylist()
    assert (first["id"], second["id"]) == ("007~3", "007~4")
    assert first["reject_reason"] == second["reject_reason"] == RejectReason.DUPLICATE_ID
    assert "a.jpg" in first["reject_detail"]
    assert first["uri"].endswith("c.jpg")


def test_what_is_refused_never_has_the_id_of_an_input(tmp_path: Path) -> None:
    listed = tmp_path / "list.csv"
    listed.write_text("id,path\na,s3://key:secret@b/1.jpg\na,2.jpg\na,3.jpg\nb,s3://k:s@b/4.jpg\n")
    listing = list_source(str(listed))
    assert listing.inputs["id"].to_pylist() == ["a"]
    assert [(row["id"], row["reject_reason"]) for row in listing.refused.to_pylist()] == [
        ("a~2", RejectReason.UNREADABLE),
        ("b", RejectReason.UNREADABLE),
        ("a~3", RejectReason.DUPLICATE_ID),
    ]


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


def test_several_sources_and_images_that_two_of_them_list(tmp_path: Path) -> None:
    for name in ("a/1.jpg", "b/2.jpg", "a/c/3.jpg"):
        _touch(tmp_path / name)
    listing = list_source(*(str(tmp_path / name) for name in ("a", "b", "a/c")))
    assert [Path(uri).name for uri in listing.inputs["uri"].to_pylist()] == [
        "1.jpg",
        "3.jpg",
        "2.jpg",
    ]
    sources = [str(tmp_path / name) for name in ("a", "a", "b")]
    assert listing.inputs["source"].to_pylist() == sources
    assert len(listing.refused) == 0


def test_one_id_for_two_images_is_refused_across_sources(tmp_path: Path) -> None:
    first = _text(tmp_path / "1.csv", "id,path\n7,a.jpg\n")
    second = _text(tmp_path / "2.csv", "id,path\n7,b.jpg\n")
    listing = list_source(str(first), str(second))
    assert listing.refused["id"].to_pylist() == ["7~2"]
    assert listing.refused["source"].to_pylist() == [str(second)]


def test_text_lists_have_one_path_a_line(tmp_path: Path) -> None:
    listed = _text(tmp_path / "list.txt", "a b.jpg\n\n/abs/c.jpg\n")
    uris = [(tmp_path / "a b.jpg").as_uri(), "file:///abs/c.jpg"]
    assert list_source(str(listed)).inputs["uri"].to_pylist() == uris


def test_ranges_and_sources_that_are_named_twice(tmp_path: Path) -> None:
    for number in ("00", "01"):
        write_tar(tmp_path / f"s-{number}.tar", {"1.jpg": b"x"})
    sources = check_sources([f"{tmp_path}/s-{{00..01}}.tar", f"{tmp_path}/./s-01.tar"])
    assert sources == (f"{tmp_path}/s-00.tar", f"{tmp_path}/s-01.tar")
    assert len(list_sources(sources).inputs) == 2


def test_a_tar_that_is_none_says_why(tmp_path: Path) -> None:
    path = _text(tmp_path / "a.tar", "no tar at all" * 100)
    with pytest.raises(InvalidInputError, match="the tar is broken"):
        list_source(str(path))
    with pytest.raises(InvalidInputError, match="unpacked"):
        list_source(str(_touch(tmp_path / "a.tar.gz")))


def test_stamps_of_local_entries(tmp_path: Path) -> None:
    _touch(tmp_path / "a.jpg")
    listed = _text(tmp_path / "list.csv", "path\na.jpg\nb.jpg\ns3://b/c.jpg\n")
    first, second, third = list_source(str(listed)).inputs["stamp"].to_pylist()
    assert first.startswith("1-")
    assert (second, third) == ("absent", None)


def test_a_list_with_keys_in_it_is_refused_without_them(tmp_path: Path) -> None:
    listed = _text(tmp_path / "list.csv", "path\na.jpg\ns3://KEY:HU/SH@b/c.jpg\n")
    listing = list_source(str(listed))
    assert listing.inputs["uri"].to_pylist() == [(tmp_path / "a.jpg").as_uri()]
    (refused,) = listing.refused.to_pylist()
    assert (refused["uri"], refused["reject_reason"]) == ("s3://b/c.jpg", RejectReason.UNREADABLE)
    assert "credentials" in refused["reject_detail"]
    assert "HU" not in str(refused)


def test_a_nul_in_an_entry_is_left_to_the_reader(tmp_path: Path) -> None:
    listed = tmp_path / "list.parquet"
    pq.write_table(pa.table({"path": ["a\0.jpg"]}), listed)
    assert list_source(str(listed)).inputs["stamp"].to_pylist() == ["absent"]


def test_sources_without_images_among_others_are_refused_as_inputs(tmp_path: Path) -> None:
    sources = [_text(tmp_path / "list.csv", "path\na.jpg\n"), tmp_path / "empty"]
    sources += [write_tar(tmp_path / "none.tar", {}), _text(tmp_path / "x.tar", "no tar" * 100)]
    sources[1].mkdir()
    listing = list_source(*map(str, sources))
    assert len(listing.inputs) == 1
    assert listing.refused["uri"].to_pylist() == [each.as_uri() for each in sources[1:]]
    with pytest.raises(InvalidInputError, match=r"empty', .*found no \.bmp") as caught:
        list_source(*map(str, sources[1:]))
    assert caught.value.reason == "SOURCE_EMPTY"
