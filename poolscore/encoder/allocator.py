"""Keep the C allocator from handing large buffers back to the system between layers."""

import ctypes

_M_TRIM_THRESHOLD = -1
_M_MMAP_MAX = -4


def keep_freed_memory() -> bool:
    """Make this process keep and reuse memory it frees; true where the C library can (glibc).

    Otherwise every large activation is mapped, faulted in and unmapped again. Measured on the
    embedded model, batch 64, one thread, bf16: 55 -> 155 images per second of processor time, as
    with MALLOC_TRIM_THRESHOLD_=-1 MALLOC_MMAP_MAX_=0 at process start. Costs peak memory kept.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(_M_TRIM_THRESHOLD, -1)) and bool(mallopt(_M_MMAP_MAX, 0))
