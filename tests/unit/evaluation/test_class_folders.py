from pathlib import Path

import pytest

from poolscore.errors import InvalidInputError
from poolscore.evaluation.labeled_folder import read_labeled_folder


def fill(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def test_a_folder_for_every_class(tmp_path: Path) -> None:
    names = [f"{kind}/{number}.JPG" for kind in ("cat", "dog") for number in range(10)]
    root = fill(tmp_path, *names, "cat/notes.txt", "dog/old/11.png", "readme.md")
    data = read_labeled_folder(root, 0)
    assert data.classes == ["cat", "dog"]
    assert len(data.pool) + len(data.test) == 21
    assert {name for _, name in data.test} == {"cat", "dog"}
    assert (root / "dog/old/11.png", "dog") in [*data.pool, *data.test]


def test_folders_of_splits_with_folders_of_classes(tmp_path: Path) -> None:
    root = fill(tmp_path, "train/cat/1.jpg", "train/dog/1.jpg", "val/cat/2.jpg", "Test/dog/3.jpg")
    data = read_labeled_folder(root, 0)
    assert data.test == [(root / "Test/dog/3.jpg", "dog")]
    assert [path.name for path, _ in data.pool] == ["1.jpg", "1.jpg", "2.jpg"]


def test_a_labels_file_goes_before_folders(tmp_path: Path) -> None:
    root = fill(tmp_path, "a/1.jpg", "b/2.jpg", "b/3.jpg")
    (root / "labels.csv").write_text(
        "path,label,split\na/1.jpg,x,train\nb/2.jpg,y,train\nb/3.jpg,y,test\n"
    )
    assert read_labeled_folder(root, 0).classes == ["x", "y"]


def test_neither_is_said(tmp_path: Path) -> None:
    for root in (fill(tmp_path / "flat", "1.jpg", "2.jpg"), tmp_path / "nowhere"):
        with pytest.raises(InvalidInputError, match=r"labels\.csv") as raised:
            read_labeled_folder(root, 0)
        assert raised.value.reason == "LABELS_MISSING"
