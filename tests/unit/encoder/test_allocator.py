import subprocess
import sys

import pytest

_FAULTS = """
import ctypes, resource
from poolscore.encoder.allocator import keep_freed_memory
c = ctypes.CDLL(None)
c.malloc.restype = ctypes.c_void_p
size = 64 * 2**20
def use():
    buffer = ctypes.c_void_p(c.malloc(size))
    ctypes.memset(buffer, 1, size)
    c.free(buffer)
if {keep}: assert keep_freed_memory()
use()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10): use()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def _page_faults(keep: bool) -> int:
    code = _FAULTS.format(keep=keep)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc")
def test_freed_memory_is_used_again_instead_of_faulted_in() -> None:
    assert _page_faults(keep=True) < _page_faults(keep=False) / 10
