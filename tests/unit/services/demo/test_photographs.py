import csv
import hashlib
from collections import Counter
from pathlib import Path

import pytest

from services.demo.photographs import write_photographs
from services.demo.subjects import SUBJECTS

POOL, TEST = 100, 32


def write(folder: Path, seed: int = 3) -> list[tuple[int, int]]:
    seen: list[tuple[int, int]] = []
    write_photographs(folder, seed, lambda *progress: seen.append(progress), POOL, TEST)
    return seen


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "labels.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photographs") / "data"
    seen = write(folder)
    assert seen[-1] == (POOL + TEST, POOL + TEST)
    return folder


def test_every_labelled_file_exists_and_every_other_one_is_broken(folder: Path):
    listed = {row["path"] for row in rows(folder)}
    present = set(contents(folder)) - {"labels.csv"}
    assert listed <= present
    assert {Path(path).name.split("-")[0] for path in present - listed} == {"broken"}


def test_the_pool_is_unbalanced_and_has_every_class_and_the_test_is_balanced(folder: Path):
    split = {name: Counter[str]() for name in ("train", "test")}
    for row in rows(folder):
        split[row["split"]][row["label"]] += 1
    assert set(split["train"]) == set(split["test"]) == set(SUBJECTS)
    assert max(split["train"].values()) >= 3 * min(split["train"].values())
    assert set(split["test"].values()) == {TEST // len(SUBJECTS)}


def test_names_of_crops_tell_nothing(folder: Path):
    crops = [row["path"] for row in rows(folder) if "unusual" not in row["path"]]
    assert len(crops) == POOL + TEST
    assert all(Path(path).stem.isdigit() for path in crops)


def test_the_seed_decides_every_byte(folder: Path, tmp_path: Path):
    write(tmp_path / "same")
    assert contents(tmp_path / "same") == contents(folder)
    write(tmp_path / "other", seed=4)
    assert contents(tmp_path / "other") != contents(folder)


def test_a_complete_folder_is_used_again_and_an_interrupted_one_made_anew(
    folder: Path, tmp_path: Path
):
    whole = contents(folder)
    assert write(folder) == []
    interrupted = tmp_path / "data"
    (interrupted / "pool").mkdir(parents=True)
    (interrupted / "pool" / "00000.jpg").write_bytes(b"half a photog")
    (interrupted / "pool" / "stray.jpg").write_bytes(b"")
    assert write(interrupted)
    assert contents(interrupted) == whole
