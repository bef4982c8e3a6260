"""A study of real image files, interrupted and gone on with."""

import csv
import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from poolscore.encoder.spec import EncoderSpec
from poolscore.evaluation.evaluate import Request, evaluate
from poolscore.evaluation.labeled_folder import read_labeled_folders
from poolscore.evaluation.records import Cell, Protocol, Table
from poolscore.evaluation.study_file import read_study


def write_folder(folder: Path, images: int = 60) -> Path:
    """Red, green and blue noise; `shade` is another label of the same images."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    with (folder / "labels.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "shade", "split"])
        for number in range(images):
            colour, dark = number % 3, number % 2
            pixels = rng.integers(0, 90, (16, 16, 3))
            pixels[..., colour] += 80 if dark else 160
            Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number}.png")
            split = "test" if number % 4 == 0 else "train"
            name = ("red", "green", "blue")[colour]
            writer.writerow([f"{number}.png", name, ("light", "dark")[dark], split])
    return folder


@dataclass
class Seen:
    """Notes what it is told; stops the study after so many cells."""

    stop_after: int = 10**9
    embedded: list[str] = field(default_factory=list[str])
    cells: list[Cell] = field(default_factory=list[Cell])
    counts: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])

    def embedding(self, name: str, done: int, total: int) -> None:
        assert done <= total
        self.embedded.append(name)

    def simulating(self, done: int, total: int, cell: Cell | None) -> None:
        self.counts.append((done, total))
        if cell is not None:
            self.cells.append(cell)
        if len(self.cells) >= self.stop_after:
            raise KeyboardInterrupt


@pytest.fixture
def request_(tmp_path: Path) -> Request:
    folder = write_folder(tmp_path / "colours")
    return Request(
        folders=read_labeled_folders([str(folder), f"{folder}:shade"]),
        out=tmp_path / "out",
        cache=tmp_path / "cache",
        strategies=["random", "coverage"],
        protocols=[Protocol.PERCENT],
        tables=[Table.SELECTION],
        seeds=1,
        template="a photo of something {}.",
        encoder=EncoderSpec(),
        processes=2,
    )


def test_an_interrupted_study_goes_on(request_: Request) -> None:
    first = Seen(stop_after=1)
    with pytest.raises(KeyboardInterrupt):
        evaluate(request_, first)
    # Both columns read the same embeddings.
    assert first.embedded == ["colours"]
    stored = read_study(request_.out / "study.json").cells
    assert [cell.key for cell in stored] == [cell.key for cell in first.cells]
    second = Seen()
    page = evaluate(request_, second)
    assert second.embedded == []
    assert second.counts[0] == (1, 4)
    assert second.counts[-1] == (4, 4)
    assert len(second.cells) == 3
    assert {cell.key.data for cell in [*first.cells, *second.cells]} == {"colours", "colours/shade"}
    text = page.read_text()
    assert "colours/shade, percent" in text
    assert "**coverage**" in text
    summary = json.loads((request_.out / "summary.json").read_text())
    assert len(summary["cells"]) == 4
    assert (request_.out / "cells.csv").read_text().count("\n") == 1 + 4 * 7
    assert (request_.out / "selection.svg").exists()
    third = Seen()
    assert evaluate(request_, third) == page
    assert third.cells == []


def test_notes_of_the_users_frame_the_page(request_: Request) -> None:
    request_.out.mkdir()
    (request_.out / "preface.md").write_text("# Colours\n\nWhy.\n")
    (request_.out / "closing.md").write_text("What did not work.\n")
    text = evaluate(replace(request_, folders=request_.folders[:1]), Seen()).read_text()
    assert text.startswith("# Colours\n\nWhy.\n")
    assert text.endswith("What did not work.\n")
