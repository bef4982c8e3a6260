import csv
from pathlib import Path

import pytest

from poolscore.errors import AlreadyExistsError
from services.demo.samples import write_samples
from services.demo.subjects import SUBJECTS


def test_a_new_folder_has_photographs_labels_and_classes(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "samples"
    told = list[tuple[int, int]]()
    assert write_samples(folder, 16, lambda *both: told.append(both)) == 21
    assert told[-1] == (16, 16)
    with (folder / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["path", "label"]
    assert {row["label"] for row in rows} == set(SUBJECTS)
    assert all((folder / row["path"]).is_file() for row in rows)
    assert len(list((folder / "pool").iterdir())) == len(rows) + 5
    assert (folder / "classes.txt").read_text().splitlines() == sorted(SUBJECTS)
    assert sorted(each.name for each in folder.iterdir()) == ["classes.txt", "labels.csv", "pool"]


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.jpg").write_text("mine")
    with pytest.raises(AlreadyExistsError, match="name a new folder"):
        write_samples(tmp_path, 16, lambda *_: None)
    assert (tmp_path / "mine.jpg").read_text() == "mine"
