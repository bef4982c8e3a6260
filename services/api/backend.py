"""What the API's methods work on."""

from collections.abc import Callable
from dataclasses import dataclass

from pipelines.sources.roots import ANYWHERE, SourceRoots
from poolscore.encoder.spec import EncoderSpec
from poolscore.errors import FailedPreconditionError
from poolscore.store import pools
from poolscore.store.catalog import Catalog
from poolscore.store.records import Pool, RunKind
from services.api import names
from services.api.known_items import KnownItems
from services.api.ranking_cache import ActiveRanking, RankingCache
from services.api.version_classes import ClassesOf, classes_of
from services.questions import Questions


@dataclass
class Backend:
    """The catalog, what is in memory of the file store, and how to wake the workers."""

    catalog: Catalog
    rankings: RankingCache
    classes_of: ClassesOf
    items: KnownItems
    wake: Callable[[RunKind], None]
    """Tells the worker of a kind that a run waits; it would find out by itself, only later."""
    resolve_encoder: Callable[[EncoderSpec], tuple[EncoderSpec, str]]
    """Loads an encoder, which takes seconds; its digest, and the spec without `auto`."""
    questions: Questions
    """What only a process with torch and the embeddings can answer."""
    roots: SourceRoots
    """What embedding runs may read."""

    @classmethod
    def open(
        cls,
        catalog_url: str,
        store_uri: str,
        wake: Callable[[RunKind], None],
        resolve_encoder: Callable[[EncoderSpec], tuple[EncoderSpec, str]],
        questions: Questions,
        roots: SourceRoots = ANYWHERE,
    ) -> "Backend":
        """Open the catalog and the file store."""
        catalog = Catalog.open(catalog_url)
        classes = classes_of(catalog)
        return cls(
            catalog,
            RankingCache(catalog, store_uri, classes),
            classes,
            KnownItems(catalog, store_uri),
            wake,
            resolve_encoder,
            questions,
            roots,
        )

    def ranking_named(self, name: str, field: str = "name") -> ActiveRanking:
        """The ranking `pools/{pool}/rankings/{n}`, or the active one for `-`, with class names.

        Raises InvalidInputError (INVALID_NAME), NotFoundError (POOL_NOT_FOUND, POOL_DELETED,
        RANKING_NOT_FOUND), FailedPreconditionError (NO_RANKING).
        """
        pool_id, child = names.parse_child(name, names.RANKINGS, field)
        if child == names.ACTIVE:
            return self.rankings.active(pool_id)
        pool_id, number = names.parse_numbered(name, names.RANKINGS, field)
        pools.check_pool(self.catalog, pool_id)  # a deleted pool has no rankings to read
        return self.rankings.named(pool_id, number)

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
