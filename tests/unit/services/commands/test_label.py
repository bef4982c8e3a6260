from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from poolscore.errors import InvalidInputError
from poolscore.v1 import label_service_pb2 as pb
from services.commands.label import label, label_input, refusals

NOBODY = "127.0.0.1:9"


def run(*arguments: str) -> None:
    app = typer.Typer()
    app.command()(label)
    result = CliRunner().invoke(app, ["p", "--address", NOBODY, *arguments])
    if result.exception:
        raise result.exception


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cat", pb.Answer(label="cat")),
        ("cat | dog", pb.Answer(candidates=pb.Candidates(labels=["cat", "dog"]))),
        ("?", pb.Answer(abstain=pb.Abstain())),
    ],
)
def test_answers_as_people_write_them(text: str, expected: pb.Answer) -> None:
    found = label_input("p", "train/1.jpg", text, "me", "")
    assert found.answer == expected
    assert found.item == "pools/p/items/train/1.jpg"


@pytest.mark.parametrize("argument", ["cat", "=cat", "item=", "item= "])
def test_what_is_no_answer(argument: str) -> None:
    with pytest.raises(InvalidInputError, match="ITEM=LABEL"):
        run(argument)


def test_no_answer_at_all() -> None:
    with pytest.raises(InvalidInputError, match="no answer given"):
        run()


def test_a_file_without_its_columns(tmp_path: Path) -> None:
    file = tmp_path / "answers.csv"
    file.write_text("id,label\n1,cat\n")
    with pytest.raises(InvalidInputError, match="lacks the column 'item'; its header has"):
        run("--file", str(file))


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"gone\.csv' does not exist"):
        run("--file", str(tmp_path / "gone.csv"))


def test_rows_without_an_answer_are_left_out(tmp_path: Path) -> None:
    file = tmp_path / "answers.csv"
    file.write_text("item,label\n1,\n2,  \n")
    with pytest.raises(InvalidInputError, match=r"no row of '.*answers\.csv' has one; .*'label'"):
        run("--file", str(file))


def test_an_answer_without_an_item(tmp_path: Path) -> None:
    file = tmp_path / "answers.csv"
    file.write_text("label,item\ncat\n")
    with pytest.raises(InvalidInputError, match="an answer, 'cat', without an item"):
        run("--file", str(file))


def refuse(*answers: tuple[str, str, str]) -> list[str]:
    """Lines for answers to an item with a reason and a message, which are empty when accepted."""
    sent = [label_input("p", item, "cat", "", "") for item, _, _ in answers]
    results = [
        pb.LabelResult(event="" if why else "pools/p/labelEvents/1", reason=why, message=message)
        for _, why, message in answers
    ]
    return list(refusals(sent, results))


def test_one_line_says_what_many_were_refused_for() -> None:
    wrong = [(f"i{n}", "WRONG_BATCH", f"item 'i{n}' is not in batch 3") for n in range(1200)]
    assert refuse(("ok", "", ""), *wrong, ("i", "UNKNOWN_CLASS", "'x' is not a class")) == [
        "1,200 refused, the first: i0: item 'i0' is not in batch 3 (WRONG_BATCH)",
        "refused: i: 'x' is not a class (UNKNOWN_CLASS)",
    ]
    assert refuse(("ok", "", "recorded before")) == []


def test_different_slips_are_all_shown_up_to_a_screenful() -> None:
    slips = [(f"i{n}", "UNKNOWN_CLASS", f"'x{n}' is not a class") for n in range(15)]
    *lines, rest = refuse(*slips, slips[0])
    assert len(lines) == 10
    assert lines[0].startswith("2 refused, the first: i0: 'x0'")
    assert rest == "5 more refused for other reasons"
