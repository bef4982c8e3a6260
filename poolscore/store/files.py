"""The file store: one root on a local disk or an object store, its layout, atomic writes.

The catalog and the manifests keep paths relative to the root; `absolute` and `relative` convert.
What reads and writes raises UnavailableError STORE_UNREACHABLE when an object store fails.
"""

import hashlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
from pyarrow import ArrowInvalid, NativeFile, fs

from poolscore.errors import (
    AlreadyExistsError,
    InvalidInputError,
    NotFoundError,
    UnavailableError,
)
from poolscore.user_files import file_errors


def open_store(uri: str) -> tuple[fs.FileSystem, str]:
    """File system and root path of a folder or of an `s3://`, `gs://` or `file://` URI.

    A local folder is created; an object store need not be asked anything, see `reach_store`.
    Raises InvalidInputError STORE_URI_INVALID, UnavailableError STORE_UNREACHABLE.
    """
    if "://" not in uri:
        folder = Path(uri).expanduser().resolve()
        _create(folder)
        return fs.LocalFileSystem(), str(folder)
    try:
        filesystem, root = fs.FileSystem.from_uri(uri)
        if not root:
            raise ArrowInvalid("it names no bucket")
    except ArrowInvalid as error:
        raise InvalidInputError(
            f"'{uri}' cannot be the file store: {error}; name a folder or an s3:// or gs:// URI in "
            "POOLSCORE_STORE",
            reason="STORE_URI_INVALID",
        ) from error
    except OSError as error:  # a bucket is asked for its region where no variable says it
        raise _unreachable(uri, str(error)) from error
    if is_local(filesystem):
        _create(Path(root))
    return filesystem, root.rstrip("/")


def reach_store(uri: str) -> tuple[fs.FileSystem, str]:
    """Open the store and look whether it answers: for the start of commands and services.

    Raises what `open_store` raises, and UnavailableError STORE_UNREACHABLE.
    """
    filesystem, root = open_store(uri)
    if is_local(filesystem):
        return filesystem, root
    with _answering(filesystem, uri):
        found = filesystem.get_file_info(root).type != fs.FileType.NotFound
    bucket = root.split("/")[0]
    if not found and not _may_be(filesystem, bucket):
        raise _unreachable(uri, f"there is no bucket '{bucket}'")
    return filesystem, root


def _may_be(filesystem: fs.FileSystem, bucket: str) -> bool:
    try:
        return filesystem.get_file_info(bucket).type != fs.FileType.NotFound
    except OSError:  # an account that may only look below the root of the store
        return True


@contextmanager
def _answering(filesystem: fs.FileSystem, place: str) -> Generator[None]:
    """Turn what an object store raises in the block into an UnavailableError STORE_UNREACHABLE."""
    try:
        yield
    except OSError as error:
        if is_local(filesystem) or isinstance(error, FileNotFoundError):
            raise
        raise _unreachable(place, str(error)) from error


def _unreachable(place: str, problem: str) -> UnavailableError:
    return UnavailableError(
        f"the file store at '{place}' cannot be reached: {problem}; check POOLSCORE_STORE, and "
        "credentials, region and endpoint in the AWS_... variables",
        reason="STORE_UNREACHABLE",
    )


def _create(folder: Path) -> None:
    advice = "the store needs a folder: name another in POOLSCORE_HOME or POOLSCORE_STORE"
    with file_errors(folder, advice, "STORE_URI_INVALID"):
        folder.mkdir(parents=True, exist_ok=True)


def is_local(filesystem: fs.FileSystem) -> bool:
    """Whether paths of this file system are paths of this machine."""
    return filesystem.type_name == "local"


def pool_dir(root: str, pool_id: str) -> str:
    """Everything of one pool."""
    return f"{root}/pools/{pool_id}"


def run_dir(root: str, pool_id: str, key: str | int) -> str:
    """What one run writes: shards, checkpoints.

    `key` is the run's number, or `{number}-2` and so on when that one was another's.
    """
    return f"{pool_dir(root, pool_id)}/runs/{key}"


def manifest_path(root: str, pool_id: str, key: str | int) -> str:
    """Manifest of the snapshot that a run commits; a run commits one at most."""
    return f"{pool_dir(root, pool_id)}/snapshots/run-{key}.json"


def prompts_dir(root: str, pool_id: str) -> str:
    """Artefacts of prompt versions, named by content."""
    return f"{pool_dir(root, pool_id)}/prompts"


def rankings_dir(root: str, pool_id: str) -> str:
    """Ranking files, named by content."""
    return f"{pool_dir(root, pool_id)}/rankings"


def neighbours_dir(root: str, pool_id: str) -> str:
    """Neighbour graphs, named by content, and what each was made from."""
    return f"{pool_dir(root, pool_id)}/neighbours"


def absolute(root: str, uri: str) -> str:
    """Path in the file system of a `uri` field of the catalog or a manifest."""
    return f"{root}/{uri}"


def relative(root: str, path: str) -> str:
    """The `uri` of a path below the root; the reverse of `absolute`."""
    if not path.startswith(f"{root}/"):
        raise ValueError(f"{path} is not below {root}")
    return path[len(root) + 1 :]


def read_bytes(filesystem: fs.FileSystem, path: str) -> bytes:
    """Content of a file. Raises NotFoundError FILE_NOT_FOUND."""
    return read_buffer(filesystem, path).to_pybytes()


def read_buffer(filesystem: fs.FileSystem, path: str) -> pa.Buffer:
    """Content of a file for Arrow to read from. Raises NotFoundError FILE_NOT_FOUND.

    Bytes of Python would do, but Arrow's threads may let go of them when Python has ended, and the
    process would abort.
    """
    try:
        with _answering(filesystem, path), filesystem.open_input_file(path) as file:
            return file.read_buffer()
    except FileNotFoundError as error:
        raise NotFoundError(
            f"the file store has no '{path}'; was it removed or is POOLSCORE_STORE another place "
            "than before?",
            reason="FILE_NOT_FOUND",
        ) from error


def write_atomic(filesystem: fs.FileSystem, path: str, data: bytes) -> None:
    """Write a whole file or nothing, and replace what was there.

    On a local disk it is durable when the call returns; an object store does it in one put.
    """
    if not is_local(filesystem):
        _put(filesystem, path, data)
        return
    temporary = _write_temporary(Path(path), data)
    temporary.replace(path)
    _sync(Path(path).parent)


@contextmanager
def atomic_stream(filesystem: fs.FileSystem, path: str) -> Generator[NativeFile]:
    """Write a file too large to hold; it is there when the block has ended, and replaces another.

    An object store shows what was written also after the block has failed: let nothing refer to the
    file before, and write it again under the same name.
    """
    if not is_local(filesystem):
        with _answering(filesystem, path), filesystem.open_output_stream(path) as file:
            yield file
        return
    temporary = _temporary(Path(path))
    try:
        with filesystem.open_output_stream(str(temporary)) as file:
            yield file
        _sync(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync(Path(path).parent)


@contextmanager
def private_file(path: Path) -> Generator[BinaryIO]:
    """Write a file of this machine that only its owner may read; atomic, and replaces another."""
    temporary = _temporary(path)
    try:
        with os.fdopen(
            os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"
        ) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync(path.parent)


def write_once(filesystem: fs.FileSystem, path: str, data: bytes) -> None:
    """Write a file that never changes; the same content again is no error.

    Raises AlreadyExistsError FILE_EXISTS when the file has other content. On a local disk two
    writers cannot both succeed with different content; an object store only has the check before.
    """
    if is_local(filesystem):
        temporary = _write_temporary(Path(path), data)
        try:
            os.link(temporary, path)
        except FileExistsError:
            _must_equal(filesystem, path, data)
        finally:
            temporary.unlink()
        _sync(Path(path).parent)
        return
    with _answering(filesystem, path):
        exists = filesystem.get_file_info(path).type != fs.FileType.NotFound
    (_must_equal if exists else _put)(filesystem, path, data)


def write_by_content(
    filesystem: fs.FileSystem, folder: str, ending: str, write: Callable[[BinaryIO], None]
) -> tuple[str, str]:
    """Write `{folder}/{sha256}{ending}` as `write` writes it to a file; returns path and sha256.

    For what is too large to be held as bytes. Atomic, and durable on a local disk when the call
    returns; on the way to an object store it takes its size in the folder of temporary files.
    """
    local = is_local(filesystem)
    place = Path(folder if local else tempfile.gettempdir())
    _create(place)
    temporary = place / f".{uuid.uuid4().hex}.tmp"
    try:
        with temporary.open("xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        with temporary.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        path = f"{folder}/{sha256}{ending}"
        if local:
            temporary.replace(path)
            _sync(place)
        else:
            with (
                temporary.open("rb") as file,
                _answering(filesystem, path),
                filesystem.open_output_stream(path) as sink,
            ):
                shutil.copyfileobj(file, sink, 1 << 24)
    finally:
        temporary.unlink(missing_ok=True)
    return path, sha256


def _must_equal(filesystem: fs.FileSystem, path: str, data: bytes) -> None:
    if hashlib.sha256(read_bytes(filesystem, path)).digest() != hashlib.sha256(data).digest():
        raise AlreadyExistsError(
            f"'{path}' exists with other content and is never overwritten", reason="FILE_EXISTS"
        )


def _put(filesystem: fs.FileSystem, path: str, data: bytes) -> None:
    with _answering(filesystem, path), filesystem.open_output_stream(path) as file:
        file.write(data)


def _write_temporary(path: Path, data: bytes) -> Path:
    temporary = _temporary(path)
    with temporary.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return temporary


def _temporary(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
