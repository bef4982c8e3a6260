"""A Ray cluster of several nodes on this machine, of which any process can be killed."""

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any

from ray.cluster_utils import Cluster

from pipelines.cluster import AGENT_TIMEOUT_MS

WORKERS = 2
NODE_CPUS = 8
ENCODER_CPUS = 4.5
"""More than half a node: every node has one encoder, and room for all the rest."""
_STORE_BYTES = 100 * 2**20
_GONE_S = 30.0
# A node that does not answer for three seconds is dead, instead of for a minute; the machine is
# busy, so that an answer may take its time.
_SYSTEM = {
    "health_check_initial_delay_ms": 1000,
    "health_check_period_ms": 1000,
    "health_check_timeout_ms": 10_000,
    "health_check_failure_threshold": 3,
    "agent_register_timeout_ms": AGENT_TIMEOUT_MS,
    "enable_worker_prestart": False,
    "prestart_worker_first_driver": False,
}


class Nodes:
    """A head without CPUs, where drivers connect, and `WORKERS` nodes that do the work."""

    def __init__(self) -> None:
        """Start them."""
        self._cluster: Any = Cluster(
            initialize_head=True,
            head_node_args={
                "num_cpus": 0,
                "include_dashboard": False,
                "object_store_memory": _STORE_BYTES,
                "_system_config": _SYSTEM,
            },
        )
        # Hooks for the end of this process are for its main thread, and nodes are added in others.
        # The head has them; without it the other nodes end.
        self._cluster._shutdown_at_exit = False
        self._workers: list[Any] = []
        for _ in range(WORKERS):
            self.add()

    @property
    def address(self) -> str:
        """Where drivers connect."""
        return self._cluster.address

    def add(self) -> None:
        """Start a node and wait until the cluster knows it."""
        node = self._cluster.add_node(num_cpus=NODE_CPUS, object_store_memory=_STORE_BYTES)
        self._workers.append(node)

    def encoders(self) -> list[int]:
        """Process ids of the encoder actors of this cluster."""
        return [
            pid for node in self._workers for pid in _children(_raylet(node)) if _is_encoder(pid)
        ]

    def kill_node(self, random: Random) -> None:
        """End all processes of one worker node at once, as when its machine fails."""
        node = self._workers.pop(random.randrange(len(self._workers)))
        raylet = _raylet(node)
        for pid in [raylet, *_children(raylet)]:
            kill(pid)
        self._cluster.remove_node(node, allow_graceful=False)

    def shutdown(self) -> None:
        """End all processes."""
        self._cluster.shutdown()


@contextmanager
def running_nodes() -> Generator[Nodes]:
    """A cluster whose files are in a folder of its own, so that no other Ray joins it."""
    before = os.environ.get("RAY_TMPDIR")
    # Ray's sockets must have short paths.
    folder = tempfile.mkdtemp(prefix="ps-", dir="/tmp")
    os.environ["RAY_TMPDIR"] = folder
    try:
        nodes = Nodes()
        try:
            yield nodes
        finally:
            nodes.shutdown()
    finally:
        os.environ.pop("RAY_TMPDIR")
        if before is not None:
            os.environ["RAY_TMPDIR"] = before
        shutil.rmtree(folder, ignore_errors=True)


def kill(pid: int) -> None:
    """End a process by SIGKILL, unless it has ended."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def wait_gone(pids: list[int]) -> None:
    """Return when these encoders have ended; TimeoutError when one does not.

    Looks again and again: they are children of others, whose end nobody tells.
    """
    end = time.monotonic() + _GONE_S
    while any(_is_encoder(pid) for pid in pids):
        if time.monotonic() > end:
            raise TimeoutError(f"encoders {pids} live on {_GONE_S:.0f} s after they should not")
        time.sleep(0.02)


def _raylet(node: Any) -> int:
    return node.all_processes["raylet"][0].process.pid


def _children(parent: int) -> list[int]:
    path = Path(f"/proc/{parent}/task/{parent}/children")
    try:
        return [int(pid) for pid in path.read_text().split()]
    except FileNotFoundError:
        return []


def _is_encoder(pid: int) -> bool:
    try:
        return b"DecodingEncoderStage" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False
