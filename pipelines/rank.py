"""From scores to a ranking: what to label next, with everything that led to it."""

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.embeddings import ScoredPool
from pipelines.near_duplicates import one_of_each_group
from pipelines.places import Store
from pipelines.pool_graph import stored_groups
from pipelines.view import ViewSource, view_parts
from poolscore import __version__
from poolscore.acquisition.base import Strategy
from poolscore.acquisition.registry import get_strategy
from poolscore.acquisition.whole_ranking import rank_all
from poolscore.store import files
from poolscore.store.arrow import compute as pc
from poolscore.store.catalog import Catalog
from poolscore.store.label_events import effective_labels
from poolscore.store.neighbour_graphs import find_graph
from poolscore.store.ranking_file import ranking_table, write_ranking
from poolscore.store.rankings import add_ranking
from poolscore.store.records import NeighbourGraph, Pool, Ranking

RANKING_SIZE = 100_000
"""Rows of a ranking; a batch is leased from its top."""
SMALLEST_BLOCK = 64
"""Images that a batchwise strategy chooses together at least, where the pool does not say how many
answers start a training."""


@dataclass(frozen=True)
class RankRequest:
    """What is ranked, and how."""

    snapshot: int
    prompt_version: int
    strategy: str = ""
    """Empty: the pool's own."""
    seed: int | None = None
    """None: derived from snapshot and prompt version."""
    size: int = RANKING_SIZE


@dataclass(frozen=True)
class Ranked:
    """A ranking that nobody has stored."""

    strategy: str
    parameters: dict[str, int | str]
    seed: int
    table: pa.Table
    """Rows in rank order, as `poolscore.store.ranking_file.SCHEMA` says."""


def rank_rows(
    catalog: Catalog, store: Store, pool: Pool, scored: ScoredPool, request: RankRequest
) -> Ranked:
    """Rank the items without an effective answer; nothing is written.

    A strategy that chooses batches as a whole chooses the labels of one training round
    (`train_after_labels`, or one label a class); the rest of its ranking follows by entropy.
    Where the snapshot has a neighbour graph, of near-duplicates one is considered at most.
    The same inputs and seed give the same rows. Raises InvalidInputError UNKNOWN_STRATEGY.
    """
    strategy = get_strategy(request.strategy or pool.strategy)
    seed = default_seed(request) if request.seed is None else request.seed
    labels = effective_labels(catalog, pool.pool_id)[0]
    rows = _open_rows(scored.ids, [each.item_id for each in labels])
    graph = find_graph(catalog, pool.pool_id, request.snapshot)
    if graph is not None:
        rows = one_of_each_group(scored.ids, rows, stored_groups(store, graph, scored.ids))
    parts = view_parts(
        ViewSource(catalog, store, pool, request.snapshot, request.prompt_version, scored),
        rows,
        labels,
    )
    block = pool.train_after_labels or max(SMALLEST_BLOCK, 2 * len(pool.classes))
    choice = rank_all(strategy, parts, request.size, block, np.random.default_rng(seed))
    chosen = rows[choice.rows]
    table = ranking_table(
        scored.ids.take(pa.array(chosen)),
        scored.embeddings.uris.take(pa.array(chosen)).cast(pa.string()),
        choice.utilities,
        choice.reasons,
        scored.scores.take(chosen),
    )
    parameters = _parameters(strategy, request, block, len(rows), graph)
    return Ranked(strategy.name, parameters, seed, table)


def rank(
    catalog: Catalog,
    store: Store,
    pool: Pool,
    scored: ScoredPool,
    request: RankRequest,
    *,
    aside: bool = False,
) -> Ranking:
    """Rank as `rank_rows`, write the file and register it, perhaps put `aside`; not activated.

    The same inputs and seed give the same bytes. Raises InvalidInputError UNKNOWN_STRATEGY.
    """
    ranked = rank_rows(catalog, store, pool, scored, request)
    filesystem, root = store
    folder = files.rankings_dir(root, pool.pool_id)
    path, sha256 = write_ranking(filesystem, folder, ranked.table)
    return add_ranking(
        catalog,
        pool.pool_id,
        request.snapshot,
        request.prompt_version,
        ranked.strategy,
        ranked.parameters,
        ranked.seed,
        __version__,
        pool.encoder_digest,
        files.relative(root, path),
        sha256,
        ranked.table.num_rows,
        aside=aside,
    )


def _parameters(
    strategy: Strategy,
    request: RankRequest,
    block: int,
    images: int,
    graph: NeighbourGraph | None,
) -> dict[str, int | str]:
    parameters: dict[str, int | str] = {"size": request.size}
    if strategy.batchwise:
        parameters["block"] = block
    if strategy.most is not None and images > strategy.most:
        parameters["sample"] = strategy.most
    if graph is not None:
        parameters["neighbours"] = graph.sha256
    return parameters


def default_seed(request: RankRequest) -> int:
    """A seed in 0..2^63-1; the same in every pool, so that two pools differ by what they hold."""
    name = f"{request.snapshot}/{request.prompt_version}"
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big") >> 1


def _open_rows(ids: pa.Array, answered: list[str]) -> npt.NDArray[np.int64]:
    taken = pc.is_in(ids, value_set=pa.array(answered, pa.string()))
    return np.flatnonzero(~taken.to_numpy(zero_copy_only=False))
