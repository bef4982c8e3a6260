import io
from pathlib import Path

import typer
from rich.console import Console
from typer.testing import CliRunner

from poolscore.errors import InvalidInputError
from services.commands.lease import lease, summary, table
from services.handoff.item_names import item_ids
from tests.leased_batch import REASON, a_batch

NOBODY = "127.0.0.1:9"


def test_the_table_can_be_read_in_80_columns() -> None:
    console = Console(width=80, file=io.StringIO(), record=True)
    for line in table(a_batch().items):
        console.print(line, markup=False)
    assert console.export_text().splitlines() == [
        "rank  file                     predicted    prob  p_clean",
        "   0  IMG_20260102_142301.jpg  guinea pig  0.500    0.250",
        f"      {REASON}",
        "   1  zoo/[1].jpg              guinea pig  0.500    0.250",
        f"      {REASON}",
    ]


def test_a_long_name_stays_whole() -> None:
    name = "x" * 90 + ".jpg"
    assert f"   0  {name}  guinea pig" in "\n".join(table(a_batch((name, "大.jpg")).items))


def test_what_the_table_shows_can_be_answered() -> None:
    shown = [line.split()[1] for line in table(a_batch().items) if "0.500" in line]
    assert [item_ids(a_batch())[name] for name in shown] == [f"{0:032x}", f"{1:032x}"]
    assert item_ids(a_batch())[f"{1:032x}"] == f"{1:032x}"


def test_the_summary_is_one_line() -> None:
    said = "batch 3: 2 images for ann until 2026-01-02 14:05 UTC, prompt version 2"
    assert summary(a_batch()) == said


def test_a_file_that_cannot_be_written_is_refused_before_anything_is_leased(
    tmp_path: Path,
) -> None:
    app = typer.Typer()
    app.command()(lease)
    for out, problem in ((tmp_path, "is a folder"), (tmp_path / "gone" / "b.csv", "not exist")):
        result = CliRunner().invoke(app, ["p", "--address", NOBODY, "--out", str(out)])
        assert isinstance(result.exception, InvalidInputError), result.exception
        assert problem in result.exception.message


def test_a_format_that_cannot_be_is_refused_before_anything_is_leased(tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(lease)
    for arguments, problem in (
        (["--out", str(tmp_path / "b.json")], "say which with --format label-studio"),
        (["--format", "cvat"], "name it with --out"),
        (["--image-base", "/data"], "write FROM=TO"),
    ):
        result = CliRunner().invoke(app, ["p", "--address", NOBODY, *arguments])
        assert isinstance(result.exception, InvalidInputError), result.exception
        assert problem in result.exception.message
    assert not list(tmp_path.iterdir())
