"""`poolscore embed` as a user runs it: progress, Ctrl-C, going on, nothing new."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from poolscore.encoder.encoder import Encoder
from tests.embedding_world import EmbeddingWorld
from tests.photographs import write_photographs

ROOT = Path(__file__).parents[3]
COMMAND = """
import sys, typer
from pipelines.cli import register
from poolscore.errors import PoolscoreError
app = typer.Typer()
register(app)
try:
    app()
except PoolscoreError as error:
    print("error:", error.message)
    sys.exit(1)
"""


def _start(home: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, *arguments],
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "POOLSCORE_CATALOG": f"sqlite:///{home / 'catalog.db'}",
            "POOLSCORE_STORE": str(home / "store"),
            "COLUMNS": "120",
        },
        stdout=subprocess.PIPE,
        text=True,
        # A terminal sends the interrupt to the whole foreground group.
        start_new_session=True,
    )


def _run(home: Path, *arguments: str) -> tuple[int, str]:
    process = _start(home, *arguments)
    output, _ = process.communicate()
    return process.returncode, output


@pytest.mark.timeout(600)
def test_an_interrupted_command_goes_on_where_it_stopped(tmp_path: Path, encoder: Encoder) -> None:
    images = tmp_path / "images"
    write_photographs(images, 60)
    (images / "empty.jpg").touch()
    world = EmbeddingWorld.create(tmp_path / "home", encoder.digest)
    arguments = ("photos", str(images), "--rows-per-shard", "4")

    process = _start(world.home, *arguments)
    while process.poll() is None and len(world.places().committed()) < 3:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGSTOP)
    other, said = _run(world.home, "photos", str(tmp_path))
    os.killpg(process.pid, signal.SIGINT)
    os.kill(process.pid, signal.SIGCONT)
    output, _ = process.communicate()
    assert process.returncode == 130, output
    assert "Stopping" in output
    assert "the same command goes on from there" in output
    committed = len(world.places().committed())
    assert 3 <= committed < 16
    assert (other, said.count("\n")) == (1, 1)
    assert "pools/photos/runs/1 is doing this in pool 'photos' already" in said

    code, output = _run(world.home, *arguments)
    assert code == 0, output
    assert f"Embedded 60 images ({4 * committed:,} before this run was resumed)" in output
    assert "1  EMPTY" in output
    assert "pools/photos/snapshots/1: 60 embedded, 1 rejected; ranking 1 is active" in output


def test_mistakes_are_one_line(tmp_path: Path, encoder: Encoder) -> None:
    world = EmbeddingWorld.create(tmp_path / "home", encoder.digest)
    code, output = _run(world.home, "nopool", str(tmp_path))
    assert (code, output.count("\n")) == (1, 1)
    assert "nopool" in output
    code, output = _run(world.home, "photos", str(tmp_path / "missing"))
    assert code == 1
    assert "does not exist" in output
    assert "Traceback" not in output
    assert "0/?" not in output
