from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.addresses import TarMember
from pipelines.sources.location import locate, looking_at
from poolscore.errors import InvalidInputError


def test_entries_count_from_the_folder_of_their_list(tmp_path: Path) -> None:
    here = locate(str(tmp_path / "list.csv"))
    assert here.entry_uri("./x/../a.jpg") == (tmp_path / "a.jpg").as_uri()
    assert here.entry_uri("/abs/a.jpg") == "file:///abs/a.jpg"
    assert here.entry_uri("https://host/a b.jpg") == "https://host/a b.jpg"
    assert here.entry_uri("file:///a/../b c#1.jpg") == here.entry_uri("/b c#1.jpg")
    assert here.entry_uri("file://[host") == "file://[host"


def test_an_object_has_one_address_however_it_is_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    there = locate("s3://bucket/lists/list.csv")
    assert (there.path, there.suffix) == ("bucket/lists/list.csv", ".csv")
    listed = there.uri("bucket/lists/a (1)#ü.jpg")
    assert listed == "s3://bucket/lists/a%20%281%29%23%C3%BC.jpg"
    assert there.entry_uri("a (1)#ü.jpg") == listed
    assert there.entry_uri("s3://bucket/lists/a (1)#ü.jpg") == listed
    assert there.entry_uri(listed) == listed
    member = TarMember("s3://bucket/a.tar", 512, 10, "x y.jpg").uri
    assert there.entry_uri(member) == member
    assert locate("s3://bucket/cats#1/x").path == "bucket/cats#1/x"


def test_public_buckets_are_read_without_an_account() -> None:
    there = locate("gs://anonymous@bucket/lists/list.csv")
    assert there.path == "bucket/lists/list.csv"
    assert there.uri("bucket/a b.jpg") == "gs://anonymous@bucket/a%20b.jpg"
    assert there.entry_uri("gs://anonymous@bucket/a b.jpg") == there.uri("bucket/a b.jpg")


@pytest.mark.parametrize(
    "error",
    [OSError("a"), pa.ArrowInvalid("b"), ValueError("c"), RuntimeError("d")],
)
def test_what_a_file_system_raises_names_the_source(error: Exception) -> None:
    with pytest.raises(InvalidInputError, match=r"s3://b.*AWS_") as caught, looking_at("s3://b"):
        raise error
    assert caught.value.reason == "SOURCE_UNREADABLE"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("ftp://host/x", "SOURCE_UNSUPPORTED"),
        ("s3://key:secret@bucket/x", "SOURCE_HAS_CREDENTIALS"),
        ("s3://key:sec/secret@bucket/x", "SOURCE_HAS_CREDENTIALS"),
        ("s3://", "SOURCE_UNREADABLE"),
        ("s3:///x", "SOURCE_UNREADABLE"),
        ("s3://[bad", "SOURCE_UNREADABLE"),
        ("/a\0b", "SOURCE_UNREADABLE"),
        ("~nosuchuser/x", "SOURCE_UNREADABLE"),
    ],
)
def test_what_cannot_be_a_source(source: str, reason: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        locate(source)
    assert caught.value.reason == reason
    assert "secret" not in caught.value.message
