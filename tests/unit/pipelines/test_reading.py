import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.file_systems import local_path
from pipelines.reading import read_bytes, read_in_order
from poolscore.images.reject import Reject, RejectReason


def test_bytes_of_a_file_with_an_awkward_name(tmp_path: Path) -> None:
    path = tmp_path / "a b#ü%20.jpg"
    path.write_bytes(b"abc")
    assert local_path(path.as_uri()) == path
    assert read_bytes(path.as_uri(), 3) == b"abc"


def test_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.jpg"))
    path.write_bytes(b"abc")
    assert read_bytes(path.as_uri(), 10) == b"abc"


def _fifo(path: Path) -> str:
    os.mkfifo(path)
    return path.as_uri()


@pytest.mark.parametrize(
    "make",
    [
        lambda d: (d / "missing.jpg").as_uri(),
        lambda d: d.as_uri(),
        lambda d: _fifo(d / "pipe.jpg"),
        lambda _: "nosuchscheme://host/a.jpg",
        lambda _: "file:///a\0b.jpg",
        lambda _: "",
    ],
)
def test_unreadable(tmp_path: Path, make: Callable[[Path], str]) -> None:
    result = read_bytes(make(tmp_path), 10)
    assert isinstance(result, Reject)
    assert result.reason is RejectReason.UNREADABLE
    assert result.detail


def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"abcd")
    result = read_bytes(path.as_uri(), 3)
    assert isinstance(result, Reject)
    assert result.reason is RejectReason.TOO_LARGE_BYTES


def test_many_come_back_in_their_order_wherever_they_lie(tmp_path: Path) -> None:
    uris: list[str] = []
    for number in range(50):
        path = tmp_path / f"{number}.jpg"
        path.write_bytes(bytes([number]))
        uris.append(path.as_uri() if number % 3 else f"nosuchscheme://host/{number}.jpg")
    for number, content in enumerate(read_in_order([(uri, None) for uri in uris], 10)):
        if number % 3:
            assert content == bytes([number])
        else:
            assert isinstance(content, Reject)
