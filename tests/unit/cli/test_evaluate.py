import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from poolscore.cli.evaluate import register
from poolscore.errors import PoolscoreError
from tests.unit.evaluation.test_evaluate import write_folder

app = typer.Typer()
register(app)


@app.command()
def another() -> None:
    """With one command alone Typer would leave its name out."""


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["evaluate", *arguments], env={"COLUMNS": "100"})


def test_help_says_all_that_a_newcomer_needs() -> None:
    text = " ".join(re.sub(r"[│╭╮╰╯─]", " ", run("--help").output).split())
    for words in (
        "labels.csv with the columns path, label and, if there is one, split (train, val, test)",
        "FOLDER:COLUMN",
        "the same command goes on",
        "Example: poolscore evaluate photos --strategy coverage --strategy random",
        "--protocol",
        "--seeds",
    ):
        assert words in text


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["nowhere"], "LABELS_MISSING"),
        (["nowhere", "--strategy", "luck"], "UNKNOWN_STRATEGY"),
        (["nowhere", "--template", "no place for a name"], "INVALID_TEMPLATE"),
    ],
)
def test_mistakes_are_said_before_anything_is_loaded(arguments: list[str], reason: str) -> None:
    error = run(*arguments).exception
    assert isinstance(error, PoolscoreError)
    assert error.reason == reason


def test_interrupted_and_gone_on_with(tmp_path: Path) -> None:
    """As a user does it: a process of its own, Ctrl-C, the same command again."""
    folder, out = write_folder(tmp_path / "colours"), tmp_path / "out"
    choice = ["--strategy", "random", "--strategy", "entropy", "--seeds", "2"]
    # Whoever starts the tests in the background has SIGINT ignored, and children inherit that.
    script = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from poolscore.cli.main import main; main()"
    )
    command = [sys.executable, "-c", script, "evaluate", str(folder), *choice]
    command += ["--out", str(out), "--processes", "1"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, text=True, start_new_session=True) as begun:
        study, deadline = out / "study.json", time.monotonic() + 120
        while not (study.exists() and '"key"' in study.read_text()):
            assert begun.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.killpg(begun.pid, signal.SIGINT)
        said, _ = begun.communicate(timeout=60)
    assert begun.returncode == 130
    assert "Stopped. What was finished is kept: the same command goes on." in said
    finished = study.read_text().count('"key"')
    assert 1 <= finished < 8
    again = subprocess.run(command, stdout=pipe, text=True, timeout=240, check=True)
    assert f"{finished} of 8 simulations" in again.stdout
    assert f"Wrote {out / 'README.md'}" in again.stdout
    assert study.read_text().count('"key"') == 8
