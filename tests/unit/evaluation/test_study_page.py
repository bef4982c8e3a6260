import json
from pathlib import Path

import pytest

from poolscore.errors import InvalidInputError
from poolscore.evaluation.records import Cell, Table
from poolscore.evaluation.study_page import Arms, write_study_page
from tests.unit.evaluation.studies import cell, key, signals, study

_ARMS = Arms(default="ours", joint_default="ours + mining", joint_control="mining")


def _cells() -> list[Cell]:
    auroc = [signals(0.5, 0.6, 0.7, 0.8)] * 3
    cells = [
        cell(key(arm, seed, table=table, noise=noise), [0.25, value, value + 0.1], auroc=auroc)
        for seed in (0, 1)
        for table, arm, noise, value in [
            (Table.SELECTION, "ours", 0.0, 0.5), (Table.SELECTION, "other", 0.0, 0.4),
            (Table.JOINT, "ours + mining", 0.0, 0.6), (Table.JOINT, "mining", 0.0, 0.5),
            (Table.CANDIDATES, "naive + alignment", 0.1, 0.6),
            (Table.CANDIDATES, "naive", 0.1, 0.5),
        ]
    ]  # fmt: skip
    return [*cells, cell(key("free", table=Table.JOINT), [0.5], answers=0)]


def _written(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_page_numbers_and_figures(tmp_path: Path) -> None:
    write_study_page(tmp_path / "a" / "b", study(*_cells()), _ARMS, "# Cats\n\nWhy.\n", "The end.")
    files = _written(tmp_path / "a" / "b")
    assert set(files) == {
        "README.md", "summary.json", "cells.csv", "selection.svg", "joint.svg", "auroc.svg"
    }  # fmt: skip
    page = files["README.md"].decode()
    assert page.startswith("# Cats\n\nWhy.\n\n")
    assert page.endswith("\n\nThe end.\n")
    headings = [line for line in page.splitlines() if line.startswith("## ")]
    assert headings == [
        "## Selection", "## Whole methods", "## Without any labels",
        "## Which predictions are right", "## Candidate sets",
    ]  # fmt: skip
    for name in files:
        assert name == "README.md" or f"]({name})" in page
    selection = page.split("## Selection")[1].split("## Whole methods")[0]
    assert "mining" not in selection
    assert "| other | 45.0 | 45.0 ± 0.0 | −10.00 | 0.500 | 0 of 1 |" in selection  # noqa: RUF001
    assert "| free, cats, percent | 50.0 |" in page
    summary = json.loads(files["summary.json"])
    assert summary["default_minus_best_other_selection"]["mean"] == pytest.approx(10.0)
    assert len(summary["cells"]) == len(_cells())
    assert files["cells.csv"].count(b"\n") == 1 + 12 * 3 + 1


def test_the_order_of_cells_changes_no_byte(tmp_path: Path) -> None:
    write_study_page(tmp_path / "a", study(*_cells()), _ARMS, "# Cats", "")
    write_study_page(tmp_path / "b", study(*reversed(_cells())), _ARMS, "# Cats", "")
    assert _written(tmp_path / "a") == _written(tmp_path / "b")


def test_an_unfinished_study_has_a_page_too(tmp_path: Path) -> None:
    write_study_page(tmp_path, study(), _ARMS, "# Cats", "")
    assert set(_written(tmp_path)) == {"README.md", "summary.json", "cells.csv"}
    assert "##" not in (tmp_path / "README.md").read_text()

    # The other arm has one seed of dogs only, and none of ants.
    cells = [cell(key("ours", s, data=d), [0.2, 0.5]) for s in (0, 1) for d in ("ants", "dogs")]
    cells.append(cell(key("other", 1, data="dogs"), [0.2, 0.4]))
    write_study_page(tmp_path, study(*cells), _ARMS, "# Cats", "")
    page = (tmp_path / "README.md").read_text()
    assert "Mean over 1 of 2; the rest lacks arms:" in page
    assert "4 classes, 1 of 2 seeds." in page


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInputError, match="name another folder") as raised:
        write_study_page(tmp_path / "file", study(), _ARMS, "", "")
    assert raised.value.reason == "STUDY_PAGE"
