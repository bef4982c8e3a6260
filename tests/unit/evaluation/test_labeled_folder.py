from pathlib import Path

import pytest

from poolscore.errors import InvalidInputError
from poolscore.evaluation.labeled_folder import read_labeled_folder, read_labeled_folders


def labels(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    (folder / "labels.csv").write_text(text, encoding=encoding)
    return folder


def test_train_and_val_are_the_pool(tmp_path: Path):
    folder = labels(
        tmp_path,
        "path,split,fine,label\na/1.jpg,train,x,dog\n2.jpg,val,x,cat\n3.jpg,test,x,cat\n",
    )
    data = read_labeled_folder(folder, seed=0)
    assert data.classes == ["cat", "dog"]
    assert data.pool == [(folder / "a/1.jpg", "dog"), (folder / "2.jpg", "cat")]
    assert list(data.test) == [(folder / "3.jpg", "cat")]


def test_a_test_image_of_a_class_that_nobody_can_choose_is_left_out(tmp_path: Path):
    text = "path,label,split\n1.jpg,a,train\n2.jpg,b,train\n3.jpg,c,test\n4.jpg,a,test\n"
    data = read_labeled_folder(labels(tmp_path, text), seed=0)
    assert list(data.test) == [(tmp_path / "4.jpg", "a")]


def test_without_a_split_a_fifth_is_drawn_by_the_seed(tmp_path: Path):
    rows = "".join(f"{n}.jpg,{'ab'[n % 2]}\n" for n in range(1000))
    folder = labels(tmp_path, "path,label\n" + rows)
    first = read_labeled_folder(folder, seed=1)
    assert len(first.test) + len(first.pool) == 1000
    # Of every class alike.
    assert [sum(name == each for _, name in first.test) for each in "ab"] == [100, 100]
    assert read_labeled_folder(folder, seed=1).test == first.test
    assert read_labeled_folder(folder, seed=2).test != first.test


def test_spreadsheets_write_a_byte_order_mark(tmp_path: Path):
    text = "path,label,split\n1.jpg,a,train\n2.jpg,b,train\n3.jpg,a,test\n"
    assert read_labeled_folder(labels(tmp_path, text, "utf-8-sig"), 0).classes == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "LABELS_MISSING"),
        ("path,class\n1.jpg,a\n", "LABELS_INVALID"),
        ("path,label\n1.jpg,a,b\n", "LABELS_INVALID"),
        ("path,label,split\n1.jpg,a,train\n,b,train\n2.jpg,a,test\n", "LABELS_INVALID"),
        ("path,label,split\n1.jpg,a,train\n2.jpg,a,test\n", "LABELS_INVALID"),
        ("path,label,split\n1.jpg,a,train\n2.jpg,b,train\n", "LABELS_INVALID"),
        ("path,label,split\n1.jpg,a,train\n2.jpg,b,tset\n3.jpg,a,test\n", "LABELS_INVALID"),
        ("path,label,split\n1.jpg,a,train\n2.jpg,b,\n3.jpg,a,test\n", "LABELS_INVALID"),
        ("path,label,split\n1.jpg,a,train\n2.jpg,b,train\n./1.jpg,a,test\n", "LABELS_INVALID"),
        ("path,label,split\n1.jpg,a,train\n../2.jpg,b,train\n3.jpg,a,test\n", "LABELS_INVALID"),
    ],
)
def test_what_cannot_be_used_is_said(tmp_path: Path, text: str | None, reason: str):
    if text is not None:
        labels(tmp_path, text)
    with pytest.raises(InvalidInputError) as raised:
        read_labeled_folder(tmp_path, seed=0)
    assert raised.value.reason == reason
    assert str(tmp_path) in raised.value.message


def test_another_column_may_hold_the_class(tmp_path: Path):
    text = "path,split,fine,label\n1.jpg,train,x,a\n2.jpg,val,y,a\n3.jpg,test,y,a\n"
    data = read_labeled_folder(labels(tmp_path, text), 0, "fine")
    assert data.classes == ["x", "y"]
    assert data.test == [(tmp_path / "3.jpg", "y")]
    with pytest.raises(InvalidInputError, match="colour"):
        read_labeled_folder(tmp_path, 0, "colour")


def test_folders_with_and_without_a_column(tmp_path: Path):
    text = "path,label,fine,split\n1.jpg,a,x,train\n2.jpg,b,y,train\n3.jpg,a,x,test\n"
    for name in ("one", "odd:name"):
        (tmp_path / name).mkdir()
        labels(tmp_path / name, text)
    one, odd = str(tmp_path / "one"), str(tmp_path / "odd:name")
    found = read_labeled_folders([one, f"{one}:fine", odd])
    assert [each.name for each in found] == ["one", "one/fine", "odd:name"]
    with pytest.raises(InvalidInputError, match="two of the folders are called 'one'") as raised:
        read_labeled_folders([one, one])
    assert raised.value.reason == "DUPLICATE_DATA"
