import hashlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from pyarrow import fs

from poolscore.errors import AlreadyExistsError, InvalidInputError, NotFoundError
from poolscore.store import files


@pytest.fixture(params=["local", "object"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[fs.FileSystem, str]:
    """A local root, and one on a file system without rename, as object stores are."""
    if request.param == "local":
        return files.open_store(str(tmp_path / "store"))
    memory = MemoryFileSystem()
    root = f"/{tmp_path.name}"
    memory.mkdirs(f"{root}/pools")
    return fs.PyFileSystem(fs.FSSpecHandler(memory)), root


def test_a_folder_is_created_and_its_path_is_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    filesystem, root = files.open_store("a/b")
    assert root == str(tmp_path / "a/b")
    assert Path(root).is_dir()
    assert files.is_local(filesystem)
    assert files.open_store(f"file://{tmp_path}/a/b/")[1] == root


def test_a_place_that_is_no_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInputError, match=r"is a file, not a folder.*POOLSCORE_STORE"):
        files.open_store(str(tmp_path / "file"))


def test_an_object_store_is_opened_by_its_uri() -> None:
    filesystem, root = files.open_store("s3://bucket/some/prefix/?region=eu-west-1")
    assert isinstance(filesystem, fs.S3FileSystem)
    assert root == "bucket/some/prefix"
    assert not files.is_local(filesystem)


@pytest.mark.parametrize("uri", ["ftp://host/x", "nonsense://x", "s3://"])
def test_a_bad_uri_is_refused(uri: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        files.open_store(uri)
    assert caught.value.reason == "STORE_URI_INVALID"


def test_layout() -> None:
    assert files.run_dir("/r", "pets", 3) == "/r/pools/pets/runs/3"
    assert files.manifest_path("/r", "pets", 3) == "/r/pools/pets/snapshots/run-3.json"
    assert files.run_dir("/r", "pets", "3-2") == "/r/pools/pets/runs/3-2"
    assert files.manifest_path("/r", "pets", "3-2") == "/r/pools/pets/snapshots/run-3-2.json"
    assert files.prompts_dir("b/r", "pets") == "b/r/pools/pets/prompts"
    assert files.rankings_dir("b/r", "pets") == "b/r/pools/pets/rankings"


def test_uris_survive_a_move_of_the_store() -> None:
    uri = files.relative("/old", "/old/pools/x")
    assert uri == "pools/x"
    assert files.absolute("/new", uri) == "/new/pools/x"
    with pytest.raises(ValueError, match="not below"):
        files.relative("/old", "/older/pools/x")


def test_an_atomic_write_replaces(store: tuple[fs.FileSystem, str]) -> None:
    filesystem, root = store
    for data in (b"one", b"two"):
        files.write_atomic(filesystem, f"{root}/pools/x", data)
        assert files.read_bytes(filesystem, f"{root}/pools/x") == data
    selector = fs.FileSelector(f"{root}/pools")
    assert [info.base_name for info in filesystem.get_file_info(selector)] == ["x"]


def test_a_file_written_once_never_changes(store: tuple[fs.FileSystem, str]) -> None:
    filesystem, root = store
    path = f"{root}/pools/x"
    files.write_once(filesystem, path, b"one")
    files.write_once(filesystem, path, b"one")
    with pytest.raises(AlreadyExistsError, match="other content"):
        files.write_once(filesystem, path, b"two")
    assert files.read_bytes(filesystem, path) == b"one"
    selector = fs.FileSelector(f"{root}/pools")
    assert [info.base_name for info in filesystem.get_file_info(selector)] == ["x"]


def test_a_missing_file_is_named(store: tuple[fs.FileSystem, str]) -> None:
    filesystem, root = store
    with pytest.raises(NotFoundError, match="/pools/nope"):
        files.read_bytes(filesystem, f"{root}/pools/nope")


def test_a_stream_replaces_the_file_when_it_has_ended(store: tuple[fs.FileSystem, str]) -> None:
    filesystem, root = store
    path = f"{root}/pools/file"
    for content in (b"one", b"two"):
        with files.atomic_stream(filesystem, path) as file:
            file.write(content)
        assert files.read_bytes(filesystem, path) == content


def test_a_stream_that_fails_leaves_nothing_on_a_disk(tmp_path: Path) -> None:
    filesystem, root = files.open_store(str(tmp_path))
    with suppress(ValueError), files.atomic_stream(filesystem, f"{root}/f") as file:
        file.write(b"half")
        raise ValueError("no")
    assert list(tmp_path.iterdir()) == []


def test_a_file_named_by_its_content_is_whole_or_not_there(
    store: tuple[fs.FileSystem, str],
) -> None:
    filesystem, root = store
    folder = f"{root}/pools"
    path, sha256 = files.write_by_content(filesystem, folder, ".bin", parts(b"some", b"thing"))
    assert path == f"{folder}/{sha256}.bin"
    assert hashlib.sha256(b"something").hexdigest() == sha256
    assert files.read_bytes(filesystem, path) == b"something"
    again = files.write_by_content(filesystem, folder, ".bin", parts(b"something"))
    assert again == (path, sha256)

    def broken(sink: BinaryIO) -> None:
        sink.write(b"half")
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        files.write_by_content(filesystem, folder, ".bin", broken)
    assert [info.path for info in filesystem.get_file_info(fs.FileSelector(folder))] == [path]


def parts(*data: bytes) -> Callable[[BinaryIO], None]:
    """Write these one after the other."""

    def write(sink: BinaryIO) -> None:
        for each in data:
            sink.write(each)

    return write
