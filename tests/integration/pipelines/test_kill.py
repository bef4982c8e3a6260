"""SIGKILL in the middle of a run: the same command goes on and embeds nothing twice."""

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from poolscore.encoder.encoder import Encoder
from poolscore.store.pools import get_pool
from poolscore.store.records import RunState
from poolscore.store.runs import get_run
from tests.embedding_world import CONFIG, EmbeddingWorld
from tests.photographs import write_broken, write_photographs

ROOT = Path(__file__).parents[3]
PROGRAM = Path(__file__).with_name("embed_process.py")


def _start(home: Path, source: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), str(home), str(source)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )


def _progress(process: subprocess.Popen[str]) -> Iterator[tuple[int, int]]:
    """Rows done and resumed, as the process says them; ends with the process."""
    assert process.stdout is not None
    for line in process.stdout:
        if match := re.fullmatch(r"done (\d+) resumed (\d+)\n", line):
            yield int(match[1]), int(match[2])


def _files(folder: str) -> dict[Path, tuple[int, str]]:
    return {
        path: (path.stat().st_mtime_ns, sha256(path.read_bytes()).hexdigest())
        for path in Path(folder).glob("*.parquet")
    }


@pytest.mark.timeout(600)
def test_a_killed_run_is_resumed_and_no_id_is_embedded_twice(
    tmp_path: Path, encoder: Encoder
) -> None:
    images = tmp_path / "images"
    write_photographs(images, 90)
    broken = write_broken(images)
    world = EmbeddingWorld.create(tmp_path / "home", encoder.digest)
    process = _start(world.home, images)
    for done, _ in _progress(process):
        if done >= 2 * CONFIG.rows_per_shard:
            process.kill()
            break
    assert process.wait() == -9
    places = world.places()
    assert get_run(world.catalog, "photos", 1).state is RunState.RUNNING
    assert get_pool(world.catalog, "photos").active_snapshot is None

    again = _start(world.home, images)
    steps = _progress(again)
    first = next(steps)
    committed = {Path(path) for path in places.shards_of(places.committed())}
    before = {path: state for path, state in _files(places.shards).items() if path in committed}
    rows_before = sum(pq.read_metadata(path).num_rows for path in before)
    assert rows_before >= 2 * CONFIG.rows_per_shard
    assert rows_before < 96
    assert first[1] == rows_before
    last = max(steps)
    assert again.wait() == 0
    assert last == (96, rows_before)

    run = get_run(world.catalog, "photos", 1)
    assert (run.state, run.attempts) == (RunState.SUCCEEDED, 2)
    after = _files(places.shards)
    assert {path: after[path] for path in before} == before
    # Every row that any attempt has written and kept: each id once.
    ids = Counter(each for path in after for each in pq.read_table(path)["id"].to_pylist())
    assert len(ids) == 96
    assert set(ids.values()) == {1}
    active = get_pool(world.catalog, "photos").counts
    assert (active.embedded, active.rejected) == (90, len(broken))
