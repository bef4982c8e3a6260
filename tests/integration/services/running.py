"""A service as users run it: `poolscore serve` in a process of its own, in an empty home."""

import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from poolscore.store.catalog import Catalog

STEPS = 500
"""Of every training: enough to be interrupted."""

_START = "import sys; from services.commands.serve import serve; serve(address=sys.argv[1])"


@dataclass(frozen=True)
class Running:
    """A running service and where it keeps its state."""

    process: "subprocess.Popen[str]"
    address: str
    store_uri: str
    catalog: Catalog
    """Opened by the test's own process beside the service's processes."""


def launch(home: Path, address: str) -> "subprocess.Popen[str]":
    """Start `poolscore serve`; it may still fail."""
    environment = os.environ | {
        "POOLSCORE_HOME": str(home),
        "POOLSCORE_TRAINING": f'{{"min_steps": {STEPS}}}',
        "COLUMNS": "200",
    }
    root = str(Path(__file__).parents[3])
    environment["PYTHONPATH"] = os.pathsep.join([root, environment.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, "-c", _START, address],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def started(process: "subprocess.Popen[str]", home: Path) -> Running:
    """Wait until the service says that it serves."""
    assert process.stdout is not None
    said: list[str] = []
    for line in process.stdout:
        said.append(line)
        found = re.search(r"SERVING on (\S+)", line)
        if found:
            catalog = Catalog.open(f"sqlite:///{home / 'catalog.db'}")
            return Running(process, found[1], str(home / "store"), catalog)
    raise AssertionError("the service ended: " + "".join(said))


def stop(process: "subprocess.Popen[str]") -> tuple[int, str]:
    """Send SIGTERM; return the exit code and what the process said at last."""
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=120)
    return process.returncode, output


def kill_actor(process: "subprocess.Popen[str]", actor: str) -> int:
    """SIGKILL the process of an actor of this service; return its pid."""
    parents = _parents()
    for pid in parents:
        # Ray names the process of an actor after its class.
        if _command(pid).startswith(f"ray::{actor}") and _descends(pid, process.pid, parents):
            os.kill(pid, signal.SIGKILL)
            return pid
    raise AssertionError(f"the service has no process of {actor}")


def _parents() -> dict[int, int]:
    found: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                # "pid (name) state parent ...": the name may hold anything but ends with ')'.
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it has ended meanwhile
            found[int(folder.name)] = int(fields[1])
    return found


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def _descends(pid: int, ancestor: int, parents: dict[int, int]) -> bool:
    while pid in parents:
        if pid == ancestor:
            return True
        pid = parents[pid]
    return False
