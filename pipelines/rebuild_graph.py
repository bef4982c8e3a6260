"""A neighbours run: the graph of the active snapshot, from scratch."""

from collections.abc import Callable
from dataclasses import dataclass

from pipelines.neighbours import FEWEST, make_graph
from pipelines.places import Store
from pipelines.stopwatch import Stopwatch
from poolscore.errors import FailedPreconditionError
from poolscore.store.catalog import Catalog
from poolscore.store.pools import get_pool
from poolscore.store.records import NeighbourGraph, RunProgress, Snapshot, StageSeconds
from poolscore.store.snapshots import get_snapshot


@dataclass(frozen=True)
class GraphOutcome:
    """The graph that the active snapshot points to now."""

    graph: NeighbourGraph
    stages: tuple[StageSeconds, ...]


def rebuild_graph(
    catalog: Catalog,
    store: Store,
    pool_id: str,
    k: int,
    on_progress: Callable[[RunProgress], None],
) -> GraphOutcome:
    """Make the graph with `k` neighbours of each image; rankings made from then on use it.

    `on_progress` may raise to stop: then the snapshot keeps the graph that it had. Raises
    NotFoundError POOL_NOT_FOUND, FailedPreconditionError POOL_NOT_EMBEDDED, POOL_TOO_SMALL.
    """
    snapshot, watch, done = _active(catalog, pool_id), Stopwatch(), 0

    def on_rows(count: int) -> None:
        nonlocal done
        done += count
        message = "finding neighbours"
        on_progress(RunProgress(total=snapshot.embedded, done=done, message=message))

    on_rows(0)
    with watch.stage("neighbours"):
        graph = make_graph(catalog, store, snapshot, k, on_rows=on_rows)
    # A graph that was made before is found at once.
    on_rows(snapshot.embedded - done)
    return GraphOutcome(graph, watch.stages)


def _active(catalog: Catalog, pool_id: str) -> Snapshot:
    pool = get_pool(catalog, pool_id)
    if pool.active_snapshot is None:
        raise FailedPreconditionError(
            f"pool '{pool_id}' has no embeddings yet: run 'poolscore embed {pool_id} SOURCE'",
            reason="POOL_NOT_EMBEDDED",
        )
    snapshot = get_snapshot(catalog, pool_id, pool.active_snapshot)
    if snapshot.embedded < FEWEST:
        raise FailedPreconditionError(
            f"pool '{pool_id}' holds {snapshot.embedded} images, and neighbours take {FEWEST} at "
            "least; embed more",
            reason="POOL_TOO_SMALL",
        )
    return snapshot
