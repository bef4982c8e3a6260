import math
from pathlib import Path

import pytest

from poolscore.errors import InvalidInputError
from poolscore.evaluation.records import Study
from poolscore.evaluation.study_file import StudyFile, read_study
from tests.unit.evaluation.studies import SETTINGS, cell, key, signals, study


def test_what_is_added_is_on_disk_at_once(tmp_path: Path) -> None:
    path = tmp_path / "new" / "study.json"
    file = StudyFile(path, SETTINGS)
    assert read_study(path) == study()
    first, second = cell(key(seed=0), [0.5, 0.1 + 0.2]), cell(key(seed=1), [0.5, 0.75])
    file.add(first)
    assert read_study(path) == study(first)
    file.add(second)
    assert read_study(path) == file.study == study(first, second)
    assert [entry.name for entry in path.parent.iterdir()] == ["study.json"]


def test_goes_on_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "study.json"
    StudyFile(path, SETTINGS).add(cell(key(seed=0), [0.5]))
    file = StudyFile(path, dict(reversed(SETTINGS.items())))
    assert file.done(key(seed=0))
    assert not file.done(key(seed=1))
    with pytest.raises(ValueError, match="stored already"):
        file.add(cell(key(seed=0), [0.75]))
    file.add(cell(key(seed=1), [0.75]))
    assert read_study(path) == study(cell(key(seed=0), [0.5]), cell(key(seed=1), [0.75]))


def test_an_auroc_that_does_not_exist_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "study.json"
    StudyFile(path, SETTINGS).add(cell(key(), [0.5], auroc=[signals(math.nan, 0.25, 0.5, 0.75)]))
    found = read_study(path).cells[0].rounds[0].auroc
    assert found is not None
    assert math.isnan(found.p_clean)
    assert found.max_prob == 0.25


def test_other_settings_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "study.json"
    StudyFile(path, {"encoder": "abc", "old": "1", "same": "s"}).add(cell(key(), [0.5]))
    before = path.read_bytes()
    with pytest.raises(InvalidInputError) as raised:
        StudyFile(path, {"encoder": "def", "new": "2", "same": "s"})
    assert raised.value.reason == "STUDY_SETTINGS"
    message = raised.value.message
    assert "encoder: 'abc' there, 'def' now; new: not set there, '2' now" in message
    assert "old: '1' there, not set now" in message
    assert "same" not in message
    assert "choose another --out or delete the file" in message
    assert path.read_bytes() == before


def _whole() -> str:
    return study(cell(key(), [0.5])).model_dump_json()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (_whole()[:-20], "EOF"),
        ("", "EOF"),
        (_whole().replace("poolscore-study/1", "poolscore-study/9"), "format"),
        (_whole().replace('"rounds":[', '"turns":['), "cells.0"),
        (study(cell(key(), [0.5]), cell(key(), [0.5])).model_dump_json(), "twice"),
    ],
)
def test_a_damaged_file_is_refused_and_kept(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "study.json"
    path.write_text(text)
    with pytest.raises(InvalidInputError, match=says) as raised:
        StudyFile(path, SETTINGS)
    assert raised.value.reason == "STUDY_INVALID"
    assert "delete the file" in raised.value.message
    assert path.read_text() == text


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInputError) as raised:
        StudyFile(tmp_path / "file" / "study.json", SETTINGS)
    assert raised.value.reason == "STUDY_INVALID"
    with pytest.raises(InvalidInputError, match="does not exist"):
        read_study(tmp_path / "none.json")


def test_the_file_is_the_model(tmp_path: Path) -> None:
    path = tmp_path / "study.json"
    StudyFile(path, SETTINGS).add(cell(key(), [0.5, 0.75]))
    assert Study.model_validate_json(path.read_text()) == study(cell(key(), [0.5, 0.75]))
