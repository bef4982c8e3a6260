"""An edge as users run it: `poolscore edge` in a process of its own."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.certificates import Certificate

_START = (
    "import sys; from poolscore.cli.main import app; from services.cli import register; "
    "register(app); app(sys.argv[1:])"
)


@dataclass(frozen=True)
class Edge:
    """A running edge."""

    port: int
    process: "subprocess.Popen[str]"
    log: Path

    @property
    def address(self) -> str:
        return f"https://localhost:{self.port}"


@contextmanager
def running_edge(
    folder: Path,
    certificate: Certificate,
    backends: Sequence[str],
    *arguments: str,
    **variables: str,
) -> Generator[Edge]:
    """Start an edge and wait until it listens."""
    port = free_port()
    log = folder / f"edge-{port}.log"
    options = [f"--backend={backend}" for backend in backends]
    command = ["edge", "--certificate", str(certificate.path), "--address", f"127.0.0.1:{port}"]
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", _START, *command, *options, *arguments],
            env=os.environ | variables,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )
    try:
        _wait_until_it_listens(process, port, log)
        yield Edge(port, process, log)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_until_it_listens(process: "subprocess.Popen[str]", port: int, log: Path) -> None:
    # HAProxy says nothing when it listens.
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=10).close()
        except ConnectionRefusedError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(log.read_text())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
