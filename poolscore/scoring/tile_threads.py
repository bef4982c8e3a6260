"""Threads of the scoring kernel: each works on a tile of its own.

Threads that share a tile wait for each other after every operation on it, and all of them for one
whose core is taken; of a tile's dozen small operations that was half the time.
"""

import functools
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Lock

import torch

_starting = Lock()


def tile_threads() -> ThreadPoolExecutor:
    """As many threads as torch gives to one operation, for as long as the process lives."""
    with _starting:
        return _start()


@functools.cache
def _start() -> ThreadPoolExecutor:
    count = torch.get_num_threads()
    begun = Barrier(count + 1)

    def begin() -> None:
        # Asked for first: a thread takes the number of all others at its first use of torch.
        torch.get_num_threads()
        torch.set_num_threads(1)
        begun.wait()

    threads = ThreadPoolExecutor(count, thread_name_prefix="score", initializer=begin)
    for _ in range(count):
        threads.submit(int)
    begun.wait()
    # What one thread sets is also what a thread that starts later begins with.
    torch.set_num_threads(count)
    return threads
