"""Small reads of many files, several at a time: most of each one is waiting."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

READERS = 4
"""Threads that read."""

T = TypeVar("T")
R = TypeVar("R")


def read_each(function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """Results of `function` in the order of `items`; raises what it raises."""
    with ThreadPoolExecutor(READERS) as pool:
        yield from pool.map(function, items)
