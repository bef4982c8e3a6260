"""What an object store refuses or does not answer is one clear error."""

from collections.abc import Callable
from typing import BinaryIO

import pytest
from pyarrow import fs

from poolscore.errors import UnavailableError
from poolscore.store import files

Store = tuple[fs.FileSystem, str]


def test_a_bucket_that_answers_is_opened(s3: str) -> None:
    filesystem, root = files.reach_store(f"{s3}/not/there/yet/")
    assert root == "bucket/not/there/yet"
    files.write_atomic(filesystem, f"{root}/a", b"x")
    assert files.reach_store(f"{s3}/not/there/yet")[1] == root
    assert files.reach_store(s3)[1] == "bucket"


@pytest.mark.usefixtures("s3")
@pytest.mark.parametrize("uri", ["s3://nobucket", "s3://nobucket/x"])
def test_a_bucket_that_is_not_there_is_named(uri: str) -> None:
    with pytest.raises(
        UnavailableError, match=rf"'{uri}' .* no bucket 'nobucket'.* AWS_"
    ) as caught:
        files.reach_store(uri)
    assert caught.value.reason == "STORE_UNREACHABLE"


@pytest.mark.usefixtures("s3")
def test_an_endpoint_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(UnavailableError, match=r"'s3://bucket/x' .* AWS_") as caught:
        files.reach_store("s3://bucket/x")
    assert caught.value.reason == "STORE_UNREACHABLE"


def _stream(filesystem: fs.FileSystem, path: str) -> None:
    with files.atomic_stream(filesystem, path) as file:
        file.write(b"x")


def _by_content(filesystem: fs.FileSystem, path: str) -> None:
    def write(file: BinaryIO) -> None:
        file.write(b"x")

    files.write_by_content(filesystem, path, ".x", write)


@pytest.mark.usefixtures("s3")
@pytest.mark.parametrize(
    "write",
    [
        lambda filesystem, path: files.write_atomic(filesystem, path, b"x"),
        lambda filesystem, path: files.write_once(filesystem, path, b"x"),
        _stream,
        _by_content,
    ],
)
def test_a_write_that_the_store_refuses_names_the_file(
    write: Callable[[fs.FileSystem, str], None],
) -> None:
    filesystem, root = files.open_store("s3://nobucket/x")
    with pytest.raises(UnavailableError, match=r"'nobucket/x/a.* AWS_") as caught:
        write(filesystem, f"{root}/a")
    assert caught.value.reason == "STORE_UNREACHABLE"
