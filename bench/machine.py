"""The machine a number was measured on."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

import torch

_PACKAGES = ("torch", "open_clip_torch", "ray", "pyarrow", "numpy", "grpcio")


def describe_machine() -> dict[str, object]:
    """Processor, cores, memory, GPU, load at the start, and the versions that matter."""
    pages, page_size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "memory_gib": round(pages * page_size / 2**30, 1),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "load_average": [round(load, 2) for load in os.getloadavg()],
        "system": f"{platform.system()} {platform.release()}",
        "versions": {"python": platform.python_version()} | {p: version(p) for p in _PACKAGES},
    }


def _cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
