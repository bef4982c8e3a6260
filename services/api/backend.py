"""What the API's methods work on."""

from collections.abc import Callable
from dataclasses import dataclass

from poolscore.encoder.spec import EncoderSpec
from poolscore.errors import FailedPreconditionError, UnavailableError
from poolscore.store import pools
from poolscore.store.catalog import Catalog
from poolscore.store.records import Pool, RunKind
from services.api.known_items import KnownItems
from services.api.ranking_cache import RankingCache


@dataclass
class Backend:
    """The catalog, what is in memory of the file store, and how to wake the workers."""

    catalog: Catalog
    rankings: RankingCache
    items: KnownItems
    wake: Callable[[RunKind], None]
    """Tells the worker of a kind that a run waits; it would find out by itself, only later."""
    resolve_encoder: Callable[[EncoderSpec], tuple[EncoderSpec, str]]
    """Loads an encoder, which takes seconds; its digest, and the spec without `auto`."""

    @classmethod
    def open(
        cls,
        catalog_url: str,
        store_uri: str,
        wake: Callable[[RunKind], None],
        resolve_encoder: Callable[[EncoderSpec], tuple[EncoderSpec, str]],
    ) -> "Backend":
        """Open the catalog and the file store."""
        catalog = Catalog.open(catalog_url)
        rankings, items = RankingCache(catalog, store_uri), KnownItems(catalog, store_uri)
        return cls(catalog, rankings, items, wake, resolve_encoder)

    def catalog_answers(self) -> bool:
        """Whether the catalog can be read now."""
        try:
            pools.list_pools(self.catalog, page_size=1)
        except UnavailableError:
            return False
        return True

    def embedded_pool(self, pool_id: str) -> Pool:
        """Return a pool that has a snapshot.

        Raises NotFoundError (POOL_NOT_FOUND), FailedPreconditionError (POOL_NOT_EMBEDDED).
        """
        pool = pools.get_pool(self.catalog, pool_id)
        if pool.active_snapshot is None:
            raise FailedPreconditionError(
                f"pool '{pool_id}' has no images yet; "
                f"run `poolscore embed {pool_id} SOURCE` or start an embedding run first",
                reason="POOL_NOT_EMBEDDED",
                pool=pool_id,
            )
        return pool
