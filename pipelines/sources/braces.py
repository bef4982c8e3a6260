"""Numbered files in one word, as WebDataset writes them: `shard-{000..015}.tar`."""

import re
from collections.abc import Iterator
from math import prod

from poolscore.errors import InvalidInputError

_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")
MOST = 100_000
"""Files that one word may stand for."""


def expand_braces(source: str) -> Iterator[str]:
    """Every source that a word with ranges stands for; a word without one stands for itself.

    Numbers are as wide as the first one of their range. Raises InvalidInputError SOURCE_RANGE.
    """
    ranges = [(int(first), int(last)) for first, last in _RANGE.findall(source)]
    # A range that ends before it begins stands for nothing.
    if not 1 <= prod(max(last - first + 1, 0) for first, last in ranges) <= MOST:
        raise InvalidInputError(
            f"a range of source '{source}' ends before it begins, or they stand for more than "
            f"{MOST:,} files together",
            reason="SOURCE_RANGE",
            source=source,
        )
    yield from _expand(source)


def _expand(source: str) -> Iterator[str]:
    found = _RANGE.search(source)
    if found is None:
        yield source
        return
    first, last = int(found[1]), int(found[2])
    for number in range(first, last + 1):
        filled = f"{source[: found.start()]}{number:0{len(found[1])}d}"
        for rest in _expand(source[found.end() :]):
            yield filled + rest
