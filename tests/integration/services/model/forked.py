"""Replicas and trainers as processes of their own, which die by SIGKILL and start in milliseconds.

Each is forked from one that has done every kind of call before (`serve`), so that it has loaded and
compiled what it needs.
"""

import gc
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

from services.api.backend import Backend
from tests.integration.services.model.commands import Command
from tests.integration.services.model.warm import warm_backend
from tests.integration.services.model.work import work


class Forked:
    """A process that does one command at a time."""

    def __init__(self, place: str) -> None:
        """Fork it from the process that listens at `place`."""
        with socket.socket(socket.AF_UNIX) as made:
            made.connect(place)
            self._connection = Connection(made.detach())
        self.pid: int = self._connection.recv()

    def begin(self, command: Command) -> None:
        """Have a command done; `result` waits for it."""
        self._connection.send(command)

    def result(self) -> object:
        """What the command has brought; None when the process died before it could say so."""
        try:
            return self._connection.recv()
        except (EOFError, ConnectionResetError):
            self.kill()
            return None

    def kill(self) -> None:
        """End it, wherever it is; it is gone when this returns."""
        self._connection.close()
        try:
            os.kill(self.pid, signal.SIGKILL)
            while True:  # what it held is free again when it has left the table of processes
                os.kill(self.pid, 0)
                os.sched_yield()
        except ProcessLookupError:
            pass


@contextmanager
def forking(folder: Path, url: str, store_uri: str) -> Generator[str]:
    """Run the process to fork from, for a catalog and a store; yields its place."""
    place = str(folder / "fork")
    root = str(Path(__file__).parents[4])
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.services.model.forked", place, url, store_uri],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=root,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline(), "the process to fork from has not started"
        yield place
    finally:
        process.stdin.close()
        process.wait()


def serve(place: str, url: str, store_uri: str) -> None:
    """Fork a process for everyone who connects, until standard input ends."""
    backend = warm_backend(url, store_uri)
    gc.freeze()  # else the first collection of every process would copy all that they share
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead leave the table of processes at once
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(place)
        listener.listen()
        print("ready", flush=True)
        while sys.stdin not in select.select([sys.stdin, listener], [], [])[0]:
            connected, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                _live(Connection(connected.detach()), backend, store_uri)
            connected.close()


def _live(connection: Connection, backend: Backend, store_uri: str) -> None:
    connection.send(os.getpid())
    try:
        work(connection, backend, store_uri)
    except (EOFError, ConnectionResetError):
        os._exit(0)
    finally:
        os._exit(1)


if __name__ == "__main__":
    serve(*sys.argv[1:])
