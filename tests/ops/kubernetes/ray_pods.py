"""The pods of a rendered Ray cluster as processes of this machine, each of which can be killed.

Resources, settings and authentication are those of the manifests; ports are free ones, and
what the secrets name is here.
"""

import os
import socket
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import BinaryIO
from urllib.request import urlopen

import psutil

from tests.ops.kubernetes.dashboard import Dashboard, until
from tests.ops.kubernetes.rendering import ROOT, Manifest

_START_S = 60.0
_BIN = str(Path(sys.executable).parent)
_FOR_TESTS = {
    # A node that does not answer for three seconds is dead, instead of for half a minute.
    "RAY_health_check_initial_delay_ms": "1000",
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "10000",
    "RAY_health_check_failure_threshold": "3",
    "RAY_agent_register_timeout_ms": "60000",
    "RAY_enable_worker_prestart": "false",
    "OMP_NUM_THREADS": "1",
}


class RayPods:
    """A head and its workers; KubeRay's part is ours."""

    def __init__(self, cluster: Manifest, environment: Mapping[str, str], folder: Path) -> None:
        """Start all pods of `cluster`, with what ConfigMap and secrets give them as environment."""
        self._cluster, self._folder = cluster, folder
        self.token = "a-token-of-the-tests-" + "0" * 32
        assert cluster["authOptions"]["mode"] == "token"
        self._environment = {
            **os.environ,
            **environment,
            **_FOR_TESTS,
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": self.token,
            "PATH": f"{_BIN}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
        }
        self._gcs, dashboard = free_port(), free_port()
        self.dashboard = Dashboard(f"http://127.0.0.1:{dashboard}", self.token)
        self._numbers = count()
        self._workers: list[_Pod] = []
        self._head = self._start(
            cluster["headGroupSpec"],
            "--head",
            f"--port={self._gcs}",
            f"--dashboard-port={dashboard}",
        )
        (self._group,) = cluster["workerGroupSpecs"]

    def wait_until_ready(self) -> None:
        """Start the workers that are missing, and return when all pods are ready, as KubeRay does.

        Workers wait for the head: in a pod by a container before Ray's.
        """
        until(self._head.ready, _START_S, "the head")
        while len(self._workers) < self._group["replicas"]:
            address = f"--address=127.0.0.1:{self._gcs}"
            self._workers.append(self._start(self._group, address))
        for worker in self._workers:
            until(worker.ready, _START_S, "a worker")

    def kill_worker_of(self, name: str) -> None:
        """SIGKILL a worker pod with a process whose command has `name`: all of it, at once.

        Waits for one that has it.
        """
        until(lambda: self._worker_of(name) is not None, _START_S, f"a worker that runs {name}")
        worker = self._worker_of(name)
        assert worker is not None, f"{name} has ended by itself"
        self._workers.remove(worker)
        worker.kill()

    def _worker_of(self, name: str) -> "_Pod | None":
        of = (each for each in self._workers if any(name in said for said in each.commands()))
        return next(of, None)

    def stop(self) -> None:
        """End all processes."""
        for pod in [*self._workers, self._head]:
            pod.kill()

    def _start(self, group: Manifest, *arguments: str) -> "_Pod":
        (container,) = group["template"]["spec"]["containers"]
        limits, params = container["resources"]["limits"], dict(group["rayStartParams"])
        params.setdefault("num-cpus", limits["cpu"])  # as KubeRay does
        own = {each["name"]: each["value"] for each in container["env"]}
        agent, own_tmp = free_port(), self._folder / str(next(self._numbers))
        command = [
            sys.executable,
            *("-m", "ray.scripts.scripts", "start", "--block", "--disable-usage-stats"),
            f"--temp-dir={own_tmp}",
            f"--dashboard-agent-listen-port={agent}",
            f"--object-store-memory={100 * 2**20}",
            *(f"--{name}={value}" for name, value in params.items()),
            *arguments,
        ]
        log = own_tmp.with_suffix(".log").open("ab")
        environment = self._environment | own
        return _Pod(command, environment, log, f"http://127.0.0.1:{agent}/api/healthz")


class _Pod:
    """`ray start` and all that it has started."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], log: BinaryIO, probe: str
    ) -> None:
        self._process = psutil.Popen(command, env=environment, stdout=log, stderr=log)
        self._probe = probe

    def ready(self) -> bool:
        """What the probe says that KubeRay gives to a pod; it has no token."""
        assert self._process.poll() is None, "ray start has ended; see its log"
        try:
            with urlopen(self._probe, timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def commands(self) -> list[str]:
        """Command lines of its processes."""
        found: list[str] = []
        for each in self._tree():
            with suppress(psutil.Error):
                found.append(" ".join(each.cmdline()))
        return found

    def kill(self) -> None:
        """SIGKILL all of it, so that nobody says good-bye."""
        for each in self._tree():
            with suppress(psutil.Error):
                each.kill()
        self._process.wait()

    def _tree(self) -> list[psutil.Process]:
        try:
            return [*self._process.children(recursive=True), psutil.Process(self._process.pid)]
        except psutil.NoSuchProcess:
            return []


@contextmanager
def running_pods(
    cluster: Manifest, environment: Mapping[str, str], folder: Path
) -> Generator[RayPods]:
    """The cluster of a manifest, until the block ends."""
    pods = RayPods(cluster, environment, folder)
    try:
        yield pods
    finally:
        pods.stop()


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
