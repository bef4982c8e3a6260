from collections.abc import Callable
from pathlib import Path

import pytest

from poolscore.errors import InvalidInputError
from poolscore.user_files import file_errors, file_problem, read_rows


def read(path: Path) -> list[dict[str, str]]:
    return read_rows(path, ("item", "label"), "do this", "BAD_FILE")


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_rows_of_a_file_as_spreadsheets_write_it(tmp_path: Path) -> None:
    file = written(
        tmp_path / "a.csv", b'\xef\xbb\xbfitem,label,x,\r\n1,"a, b",y,\r\n2\r\n3,c,,,\r\n'
    )
    assert [(row["item"], row["label"]) for row in read(file)] == [
        ("1", "a, b"),
        ("2", ""),
        ("3", "c"),
    ]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda d: d / "gone.csv", "does not exist"),
        (lambda d: d, "is a folder, not a file"),
        (lambda d: written(d / "x", b"").joinpath("a.csv"), "lies below a file"),
        (lambda d: written(d / "a", b"item,label\n1,\xff\n"), "is not UTF-8 text"),
        (lambda d: written(d / "a", b""), "lacks the columns 'item' and 'label'; it is empty"),
        (
            lambda d: written(d / "a", b"id,label\n"),
            "lacks the column 'item'; its header has 'id' and 'label'",
        ),
        (lambda d: written(d / "a", b"item;label\n"), "its header has 'item;label'"),
        (lambda d: written(d / "a", b"item,label\n1,a,b\n"), "line 2 has more values"),
        (lambda d: written(d / "a", b'item,label\n1,"a\n2,b\n'), "unexpected end of data"),
    ],
)
def test_an_error_says_where_what_and_what_to_do(
    tmp_path: Path, make: Callable[[Path], Path], words: str
) -> None:
    path = make(tmp_path)
    with pytest.raises(InvalidInputError, match=words) as caught:
        read(path)
    assert caught.value.reason == "BAD_FILE"
    assert caught.value.message.startswith(f"'{path}' ")
    assert caught.value.message.endswith("; do this")
    assert "Errno" not in caught.value.message


def test_a_place_that_cannot_be_made(tmp_path: Path) -> None:
    file = written(tmp_path / "file", b"")
    with (
        pytest.raises(InvalidInputError, match="is a file, not a folder"),
        file_errors(file, "do this", "BAD_FOLDER"),
    ):
        file.mkdir(exist_ok=True)


def test_rarer_errors_keep_their_own_words() -> None:
    assert file_problem(OSError(28, "No space left on device")) == (
        "cannot be used: no space left on device"
    )
    assert "permission" in file_problem(PermissionError(13, "x"))
