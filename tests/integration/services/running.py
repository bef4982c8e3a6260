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
    process_metrics: str
    pool_metrics: str
    """Pages for Prometheus."""

    @property
    def log_folder(self) -> Path:
        """Where Ray keeps what the service's processes write to standard error."""
        ray = Path(os.environ.get("RAY_TMPDIR", "/tmp")) / "ray"
        (session,) = ray.glob(f"session_2*_{self.process.pid}")
        return session / "logs"


def launch(home: Path, address: str, catalog_url: str, **settings: str) -> "subprocess.Popen[str]":
    """Start `poolscore serve` with further variables; it may still fail."""
    environment = os.environ | {
        "POOLSCORE_HOME": str(home),
        "POOLSCORE_CATALOG": catalog_url,
        "POOLSCORE_TRAINING": f'{{"min_steps": {STEPS}}}',
        "COLUMNS": "200",
        "POOLSCORE_METRICS_ADDRESS": "127.0.0.1:0",
        # Ray's own ten seconds would be waited for.
        "RAY_metrics_report_interval_ms": "1000",
        **settings,
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


def started(process: "subprocess.Popen[str]", home: Path, catalog_url: str) -> Running:
    """Wait until the service says that it serves."""
    assert process.stdout is not None
    said, address = list[str](), ""
    for line in process.stdout:
        said.append(line)
        if found := re.search(r"SERVING on (\S+)", line):
            address = found[1]
        if found := re.fullmatch(r"metrics +(\S+) and (\S+)\n", line):
            catalog = Catalog.open(catalog_url)
            return Running(process, address, str(home / "store"), catalog, found[1], found[2])
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


def processes(process: "subprocess.Popen[str]") -> set[int]:
    """Ids of the processes of this service, without those of Ray that wait for work."""
    parents = _parents()
    return {
        pid
        for pid in parents
        if not _command(pid).startswith("ray::IDLE") and _descends(pid, process.pid, parents)
    }


def ray_logs(process: "subprocess.Popen[str]") -> Path:
    """Folder of what Ray's processes of this service write."""
    for pid in processes(process):
        if _command(pid).startswith("ray::"):
            return Path(f"/proc/{pid}/fd/1").readlink().parent
    raise AssertionError("the service has no actors")


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
