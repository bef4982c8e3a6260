"""Rankings in memory: immutable, so that a replica loads each of them once."""

import threading
from collections import OrderedDict
from dataclasses import dataclass

from poolscore.errors import FailedPreconditionError
from poolscore.store import pools, rankings
from poolscore.store.catalog import Catalog
from poolscore.store.files import open_store
from poolscore.store.ranking_file import LoadedRanking, read_ranking
from poolscore.store.records import Pool

_CAPACITY = 8


@dataclass(frozen=True)
class ActiveRanking:
    """The active ranking of a pool as it was read last, with the pool's class names."""

    classes: tuple[str, ...]
    ranking: LoadedRanking


class RankingCache:
    """The rankings used last, and which of them was the active one of each pool."""

    def __init__(self, catalog: Catalog, store_uri: str) -> None:
        """Load from the file store at `store_uri`."""
        self._catalog = catalog
        self._files, self._root = open_store(store_uri)
        self._loaded: OrderedDict[tuple[str, int], LoadedRanking] = OrderedDict()
        self._active: dict[str, ActiveRanking] = {}
        self._lock = threading.Lock()

    def last_active(self, pool_id: str) -> ActiveRanking:
        """Return the ranking that was active when this replica looked last, without looking.

        Whoever uses it must notice that the pointer has moved, and call `active` then.
        """
        return self._active.get(pool_id) or self.active(pool_id)

    def active(self, pool_id: str) -> ActiveRanking:
        """Return the ranking that is active now.

        Raises NotFoundError (POOL_NOT_FOUND), FailedPreconditionError (NO_RANKING).
        """
        pool = pools.get_pool(self._catalog, pool_id)
        if pool.active_ranking is None:
            raise _no_ranking(pool)
        active = ActiveRanking(pool.classes, self.get(pool_id, pool.active_ranking))
        self._active[pool_id] = active
        return active

    def get(self, pool_id: str, number: int) -> LoadedRanking:
        """Return a ranking by its number.

        Raises NotFoundError (POOL_NOT_FOUND, RANKING_NOT_FOUND).
        """
        key = (pool_id, number)
        with self._lock:  # also while loading: two requests must not load one ranking twice
            if key not in self._loaded:
                record = rankings.get_ranking(self._catalog, pool_id, number)
                self._loaded[key] = read_ranking(self._files, self._root, record)
                while len(self._loaded) > _CAPACITY:
                    self._loaded.popitem(last=False)
            self._loaded.move_to_end(key)
            return self._loaded[key]


def _no_ranking(pool: Pool) -> FailedPreconditionError:
    return FailedPreconditionError(
        f"pool '{pool.pool_id}' has no ranking yet; "
        f"run `poolscore embed {pool.pool_id} SOURCE` or start an embedding run first",
        reason="NO_RANKING",
        pool=pool.pool_id,
    )
