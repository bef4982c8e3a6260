"""Cores of this machine."""

import os


def cores() -> int:
    """Cores that this process may use: fewer than the machine has where it is bound to some.

    Systems that bind no process, as macOS, say all.
    """
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
