"""Where FAISS computes: on its first GPU if it sees one, else on all cores of this process."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from poolscore.cores import cores


def on_gpu(index: Any) -> Any:
    """Return a copy of a FAISS index on the GPU, or the index itself where there is none."""
    import faiss

    if faiss.get_num_gpus() == 0:
        return index
    return faiss.index_cpu_to_gpu(faiss.StandardGpuResources(), 0, index)


@contextmanager
def all_cores() -> Generator[None]:
    """Let FAISS use every core of the process in the block; Ray gives small actors one thread.

    Where OMP_NUM_THREADS asks for more than one thread, so many are used.
    """
    import faiss

    before: int = faiss.omp_get_max_threads()
    if before == 1:
        faiss.omp_set_num_threads(cores())
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
