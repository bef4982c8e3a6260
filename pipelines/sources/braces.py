"""Numbered files in one word, as WebDataset writes them: `shard-{000..015}.tar`."""

import re
from collections.abc import Iterator

from poolscore.errors import InvalidInputError

_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")
MOST = 100_000
"""Files that one word may stand for."""


def expand_braces(source: str) -> Iterator[str]:
    """Every source that a word with ranges stands for; a word without one stands for itself.

    Numbers are as wide as the first one of their range. Raises InvalidInputError SOURCE_RANGE.
    """
    found = _RANGE.search(source)
    if found is None:
        yield source
        return
    first, last = int(found[1]), int(found[2])
    if not first <= last < first + MOST:
        raise InvalidInputError(
            f"range '{found[0]}' of source '{source}' ends before it begins or has more than "
            f"{MOST:,} numbers",
            reason="SOURCE_RANGE",
            source=source,
        )
    for number in range(first, last + 1):
        filled = f"{source[: found.start()]}{number:0{len(found[1])}d}"
        for rest in expand_braces(source[found.end() :]):
            yield filled + rest
