"""The class names that the predictions of a prompt version are about."""

import functools
from collections.abc import Callable

from poolscore.store.catalog import Catalog
from poolscore.store.prompt_versions import get_prompt_version

_CAPACITY = 256

ClassesOf = Callable[[str, int], tuple[str, ...]]
"""Class names of a pool's prompt version, in index order."""


def classes_of(catalog: Catalog) -> ClassesOf:
    """Return a function that reads each version once: versions never change, pools do.

    It raises NotFoundError (POOL_NOT_FOUND, POOL_DELETED, PROMPT_VERSION_NOT_FOUND).
    """

    @functools.lru_cache(_CAPACITY)
    def read(pool_id: str, version: int) -> tuple[str, ...]:
        return get_prompt_version(catalog, pool_id, version).classes

    return read
