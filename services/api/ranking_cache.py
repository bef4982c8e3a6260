"""Rankings in memory: immutable, so that a replica loads each of them once.

Which one is active is what this replica saw last. Another replica, or the trainer, may have
switched since: a lease notices it in its transaction, everything else asks the catalog first.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass

from poolscore.errors import FailedPreconditionError
from poolscore.store import pools, rankings
from poolscore.store.catalog import Catalog
from poolscore.store.files import open_store
from poolscore.store.pool_rules import check_strategy
from poolscore.store.ranking_file import LoadedRanking, read_ranking
from services.api.version_classes import ClassesOf

_MOST_BYTES = 1 << 30
"""Of rankings in memory; the largest, of 100,000 items, takes some 20 MB."""


@dataclass(frozen=True)
class ActiveRanking:
    """A ranking of a pool as it was read last, with the classes of its predictions."""

    classes: tuple[str, ...]
    ranking: LoadedRanking


class RankingCache:
    """The rankings used last, and the numbers of those that leases were from."""

    def __init__(self, catalog: Catalog, store_uri: str, classes_of: ClassesOf) -> None:
        """Load from the file store at `store_uri`."""
        self._catalog, self._classes_of = catalog, classes_of
        self._files, self._root = open_store(store_uri)
        self._loaded: OrderedDict[tuple[str, int], LoadedRanking] = OrderedDict()
        self._last: dict[tuple[str, str], int] = {}
        self._lock, self._loading = threading.Lock(), threading.Lock()

    def last(self, pool_id: str, strategy: str = "") -> ActiveRanking:
        """Return what `current` returned when this replica looked last, without looking.

        Whoever uses it must notice that the pointer has moved, and call `current` then.
        """
        number = self._last.get((pool_id, strategy))
        return self.current(pool_id, strategy) if number is None else self.named(pool_id, number)

    def current(self, pool_id: str, strategy: str = "") -> ActiveRanking:
        """Return the ranking that is active now, or the newest of a strategy for what is active.

        Raises NotFoundError (POOL_NOT_FOUND), FailedPreconditionError (NO_RANKING),
        InvalidInputError (UNKNOWN_STRATEGY).
        """
        if not strategy:
            return self.active(pool_id)
        try:
            number = rankings.newest_of_strategy(self._catalog, pool_id, strategy)
        except FailedPreconditionError:
            check_strategy(strategy)  # loads torch: not for what has been found
            raise
        self._last[pool_id, strategy] = number
        return self.named(pool_id, number)

    def active(self, pool_id: str) -> ActiveRanking:
        """Return the ranking that is active now.

        Raises NotFoundError (POOL_NOT_FOUND), FailedPreconditionError (NO_RANKING).
        """
        number = pools.get_active(self._catalog, pool_id).ranking
        if number is None:
            raise _no_ranking(pool_id)
        self._last[pool_id, ""] = number
        return self.named(pool_id, number)

    def named(self, pool_id: str, number: int) -> ActiveRanking:
        """Return a ranking by its number, with the classes of its predictions.

        Raises NotFoundError (POOL_NOT_FOUND, RANKING_NOT_FOUND).
        """
        ranking = self.get(pool_id, number)
        return ActiveRanking(self._classes_of(pool_id, ranking.record.prompt_version), ranking)

    def get(self, pool_id: str, number: int) -> LoadedRanking:
        """Return a ranking by its number.

        Raises NotFoundError (POOL_NOT_FOUND, RANKING_NOT_FOUND).
        """
        key = (pool_id, number)
        found = self._held(key)
        if found is None:
            with self._loading:  # two requests must not load one ranking twice
                found = self._held(key)
                if found is None:
                    found = self._load(key)
        return found

    def _held(self, key: tuple[str, int]) -> LoadedRanking | None:
        with self._lock:
            if key in self._loaded:
                self._loaded.move_to_end(key)
            return self._loaded.get(key)

    def _load(self, key: tuple[str, int]) -> LoadedRanking:
        loaded = read_ranking(self._files, self._root, rankings.get_ranking(self._catalog, *key))
        with self._lock:
            self._loaded[key] = loaded
            sizes = [each.table.nbytes for each in self._loaded.values()]
            while len(sizes) > 1 and sum(sizes) > _MOST_BYTES:
                self._loaded.popitem(last=False)
                del sizes[0]
        return loaded


def _no_ranking(pool_id: str) -> FailedPreconditionError:
    return FailedPreconditionError(
        f"pool '{pool_id}' has no ranking yet; "
        f"run `poolscore embed {pool_id} SOURCE` or start an embedding run first",
        reason="NO_RANKING",
        pool=pool_id,
    )
