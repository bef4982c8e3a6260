"""`poolscore embed` as a user runs it: refused, killed, stopped by Ctrl-C, going on."""

import os
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

from pipelines.cli import register
from poolscore.encoder.encoder import Encoder
from poolscore.errors import FailedPreconditionError
from poolscore.store.pools import get_pool
from poolscore.store.records import RunState
from poolscore.store.runs import get_run
from tests.embedding_world import EmbeddingWorld
from tests.photographs import write_broken, write_photographs

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
        [sys.executable, "-c", COMMAND, "embed", *arguments],
        cwd=ROOT,
        env={**os.environ, **_environment(home), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        # A terminal sends the interrupt to the whole foreground group.
        start_new_session=True,
    )


def _environment(home: Path) -> dict[str, str]:
    return {
        "POOLSCORE_CATALOG": f"sqlite:///{home / 'catalog.db'}",
        "POOLSCORE_STORE": str(home / "store"),
        "COLUMNS": "120",
    }


def _run(home: Path, *arguments: str) -> tuple[int, str]:
    process = _start(home, *arguments)
    output, _ = process.communicate()
    return process.returncode, output


def _run_here(home: Path, *arguments: str) -> str:
    """Run the command in this process, which has imported everything and has a Ray."""
    app = typer.Typer()
    register(app)
    result = CliRunner(env=_environment(home)).invoke(app, ["embed", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def _wait_for_shards(process: subprocess.Popen[str], world: EmbeddingWorld, count: int) -> None:
    """Return when so many shards are committed, or the process has ended."""
    while process.poll() is None and len(world.places().committed()) < count:
        time.sleep(0.02)


def _committed_files(world: EmbeddingWorld) -> dict[Path, tuple[int, str]]:
    """Time and content of every committed shard."""
    places = world.places()
    return {Path(path): _state(Path(path)) for path in places.shards_of(places.committed())}


def _state(path: Path) -> tuple[int, str]:
    return path.stat().st_mtime_ns, sha256(path.read_bytes()).hexdigest()


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("cluster")
def test_a_killed_and_an_interrupted_command_go_on_where_they_stopped(
    tmp_path: Path, encoder: Encoder
) -> None:
    images = tmp_path / "images"
    write_photographs(images, 90)
    broken = write_broken(images)
    world = EmbeddingWorld.create(tmp_path / "home", encoder.digest)
    arguments = ("photos", str(images), "--rows-per-shard", "4")

    killed = _start(world.home, *arguments)
    _wait_for_shards(killed, world, 3)
    killed.send_signal(signal.SIGSTOP)
    with pytest.raises(FailedPreconditionError, match="pools/photos/runs/1 is doing this"):
        world.embed(tmp_path)
    killed.kill()
    assert killed.wait() == -signal.SIGKILL
    assert get_pool(world.catalog, "photos").active_snapshot is None
    assert get_run(world.catalog, "photos", 1).state is RunState.RUNNING
    first = _committed_files(world)
    assert 3 <= len(first) < 24

    interrupted = _start(world.home, *arguments)
    _wait_for_shards(interrupted, world, len(first) + 3)
    os.killpg(interrupted.pid, signal.SIGINT)
    output, _ = interrupted.communicate()
    assert interrupted.returncode == 130, output
    assert "Stopping" in output
    assert "the same command goes on from there" in output
    second = _committed_files(world)
    assert len(first) + 3 <= len(second) < 24
    assert first.items() <= second.items()

    output = _run_here(world.home, *arguments)
    assert f"Embedded 90 images ({4 * len(second):,} before this run was resumed)" in output
    assert "1  EMPTY" in output
    assert "pools/photos/snapshots/1: 90 embedded, 6 rejected; ranking 1 is active" in output
    run = get_run(world.catalog, "photos", 1)
    assert (run.state, run.attempts) == (RunState.SUCCEEDED, 3)
    shards = list(Path(world.places().shards).glob("*.parquet"))
    assert {path: _state(path) for path in second} == second
    # Every row that any attempt has written and kept: each id once.
    ids = [each for path in shards for each in pq.read_table(path)["id"].to_pylist()]
    assert len(ids) == len(set(ids)) == 90 + len(broken)
    assert "Nothing new: the pool holds all 96 inputs" in _run_here(world.home, *arguments)


def test_missing_images_are_said_and_dropped_when_asked(tmp_path: Path, encoder: Encoder) -> None:
    paths = write_photographs(tmp_path / "images", 3)
    world = EmbeddingWorld.create(tmp_path / "home", encoder.digest)
    world.embed_in_process(tmp_path / "images", encoder)
    paths[0].unlink()
    output = _run_here(world.home, "photos", str(tmp_path / "images"))
    assert "Nothing new: the pool holds the 2 inputs that are still there." in output
    assert "missing         1  gone from the source, kept in the pool" in output
    output = _run_here(world.home, "photos", str(tmp_path / "images"), "--prune")
    assert "Dropped 1 images, embedded none; 2 were in the pool already." in output
    assert "missing         1  dropped" in output
    assert "pools/photos/snapshots/2: 2 embedded, 0 rejected; ranking 2 is active" in output


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
