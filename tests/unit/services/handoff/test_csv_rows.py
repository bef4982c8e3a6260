import csv
from pathlib import Path

from poolscore.v1 import label_service_pb2 as pb
from services.handoff import csv_rows
from services.handoff.answered import Answered
from tests.leased_batch import a_batch


def test_the_file_has_a_column_to_fill_in(tmp_path: Path) -> None:
    file = tmp_path / "batch.csv"
    file.write_text(csv_rows.write(a_batch()), newline="")
    with file.open(newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert tuple(rows[0]) == csv_rows.COLUMNS
    assert [row["label"] for row in rows] == ["", ""]
    assert csv_rows.read(file) == []
    file.write_text(file.read_text().replace(f"{1:032x},,", f"{1:032x},cat,"))
    assert csv_rows.read(file) == [Answered(pb.Answer(label="cat"), item=f"{1:032x}")]


def test_a_column_says_who_answered(tmp_path: Path) -> None:
    file = tmp_path / "answers.csv"
    file.write_text("item,label,annotator\na,cat,ann\na,dog, bob\n")
    assert [each.annotator for each in csv_rows.read(file)] == ["ann", "bob"]
