"""Connect to Ray: a cluster by its address, or a quiet local one."""

import logging
import warnings

import ray

from poolscore.cores import cores
from poolscore.errors import UnavailableError

LOCAL_CPUS = 8
"""Logical CPUs of a local Ray. They are shares, not cores: most stages ask for a fraction, and Ray
Data starves silently on a resume when a machine of two cores offers only two."""
OBJECT_STORE_BYTES = 512 * 2**20
"""Shared memory of a local Ray: holds decoded images between the stages."""
AGENT_TIMEOUT_MS = 60_000
"""Patience with Ray's own agents; its default gives a busy laptop half as long, then gives up."""


def connect(address: str | None = None, metrics_port: int = 0) -> None:
    """Join the Ray cluster at `address`, or start a local one unless this process has one.

    A local one shows its metrics at `metrics_port`, 0 for any free one; a cluster where it was told
    to.
    Ray Data's own progress bars and log lines are turned off: callers report progress themselves.
    Raises UnavailableError RAY_UNAVAILABLE.
    """
    if not ray.is_initialized():
        _start(address, metrics_port)
    quieten()


def _start(address: str | None, metrics_port: int) -> None:
    try:
        ray.init(
            address=address or "local",
            num_cpus=None if address else LOCAL_CPUS,
            object_store_memory=None if address else OBJECT_STORE_BYTES,
            include_dashboard=None if address else False,
            _system_config=None if address else {"agent_register_timeout_ms": AGENT_TIMEOUT_MS},
            logging_level=logging.ERROR,
            log_to_driver=False,
            _metrics_export_port=None if address else metrics_port or None,
        )
    except Exception as error:  # Ray raises bare exceptions when a part of it does not come up
        raise UnavailableError(
            f"Ray at {address} cannot be reached: {error}; check the address"
            if address
            else f"Ray did not start: {error}; try again when the machine is less busy",
            reason="RAY_UNAVAILABLE",
        ) from error


def metrics_page() -> str:
    """Address of the metrics that Ray collects on this machine; empty when it shows none."""
    here = ray.util.get_node_ip_address()
    for node in ray.nodes():
        if node["Alive"] and node["NodeManagerAddress"] == here and node["MetricsExportPort"] > 0:
            return f"http://{here}:{node['MetricsExportPort']}/metrics"
    return ""


def nodes() -> int:
    """Nodes of the cluster that are alive."""
    return sum(bool(node["Alive"]) for node in ray.nodes())


def cluster_cores() -> int:
    """Cores of all nodes, taking them to be like this one; logical CPUs may be any number."""
    return cores() * nodes()


def quieten() -> None:
    """Keep Ray Data off the terminal; errors reach the caller as exceptions."""
    warnings.filterwarnings("ignore", category=UserWarning, module=r"ray\.data\.")
    ray.data.DataContext.get_current().enable_progress_bars = False
    for name in ("ray.data", "ray.data._internal", "ray.data.exceptions"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
