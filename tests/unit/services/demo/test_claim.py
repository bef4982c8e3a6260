import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from poolscore.errors import FailedPreconditionError, InvalidInputError
from services.demo.claim import claim

HOLDER = """
import subprocess, sys
from pathlib import Path
from services.demo.claim import claim

with claim(Path(sys.argv[1])):
    child = subprocess.Popen(["sleep", "60"])
    print(child.pid, flush=True)
    child.wait()
"""
"""A demo with a child that lives on when it is killed, as Ray's processes do for a while."""


def test_a_folder_has_one_demo_at_a_time(tmp_path: Path):
    out = tmp_path / "new" / "out"
    with claim(out):
        with pytest.raises(FailedPreconditionError, match="another demo is running") as raised:
            claim(out).__enter__()
        assert raised.value.reason == "OUT_IN_USE"
        with claim(tmp_path / "other"):
            pass
    with claim(out):
        pass


def test_a_killed_demo_leaves_its_folder_free_at_once(pytestconfig: pytest.Config, tmp_path: Path):
    out = tmp_path / "out"
    command = [sys.executable, "-c", HOLDER, str(out)]
    with subprocess.Popen(
        command, cwd=pytestconfig.rootpath, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        child = int(holder.stdout.readline())
        try:
            with pytest.raises(FailedPreconditionError):
                claim(out).__enter__()
            holder.kill()
            holder.wait()
            with claim(out):
                os.kill(child, 0)
        finally:
            os.kill(child, signal.SIGKILL)


def test_what_somebody_else_keeps_there_is_not_touched(tmp_path: Path):
    (tmp_path / "summary.json").write_text("theirs")
    for out in (tmp_path, tmp_path / "summary.json", tmp_path / "summary.json" / "out"):
        with pytest.raises(InvalidInputError) as raised:
            claim(out).__enter__()
        assert raised.value.reason == "OUT_NOT_USABLE"
    assert [path.name for path in tmp_path.iterdir()] == ["summary.json"]
