"""Names of the processes that own runs: `role@host:pid`, so that a dead owner can be told."""

import os
import socket


def owner_name(role: str) -> str:
    """Name of this process in a role."""
    return f"{role}@{socket.gethostname()}:{os.getpid()}"


def is_gone(owner: str) -> bool:
    """Whether the owner was a process of this machine that lives no more.

    False for owners elsewhere, which only their silence can tell, and when the process id belongs
    to another process by now.
    """
    place, _, pid = owner.rpartition("@")[2].rpartition(":")
    if place != socket.gethostname() or not (pid.isascii() and pid.isdigit()):
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:  # it lives, under another user
        return False
    return False
