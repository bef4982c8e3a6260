"""The largest memory that this process has held since somebody asked."""

import resource
from pathlib import Path

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def reset_peak() -> None:
    """Begin anew, where the system can (Linux)."""
    if _RESET.exists():
        _RESET.write_text("5")


def peak_gib() -> float:
    """GiB in memory at most since `reset_peak`, or since the process began."""
    if _STATUS.exists():
        lines = dict(line.split(":", 1) for line in _STATUS.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
