"""Which neighbour graph a snapshot has."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, select

from poolscore.store import sql
from poolscore.store.audit import Action, write_event
from poolscore.store.catalog import Catalog
from poolscore.store.records import NeighbourGraph, Snapshot, utcnow
from poolscore.store.tables import neighbour_graphs


def set_graph(
    catalog: Catalog,
    snapshot: Snapshot,
    uri: str,
    sha256: str,
    k: int,
    details: Mapping[str, Any],
) -> NeighbourGraph:
    """Point a snapshot to a graph file, from now on; the file of an earlier graph stays."""
    graph = NeighbourGraph(
        pool_id=snapshot.pool_id,
        snapshot=snapshot.number,
        uri=uri,
        sha256=sha256,
        k=k,
        images=snapshot.embedded,
        details=dict(details),
        create_time=utcnow(),
    )
    table = neighbour_graphs
    with catalog.write() as connection:
        sql.lock_pool(connection, snapshot.pool_id)
        connection.execute(
            table.delete().where(
                table.c.pool_id == snapshot.pool_id, table.c.snapshot == snapshot.number
            )
        )
        row = vars(graph)
        connection.execute(table.insert().values(**row))
        facts = {table.name: [{name: value for name, value in row.items() if name != "pool_id"}]}
        action = Action.SET_NEIGHBOUR_GRAPH
        write_event(connection, snapshot.pool_id, action, snapshot.name, facts)
    return graph


def find_graph(catalog: Catalog, pool_id: str, snapshot: int) -> NeighbourGraph | None:
    """The graph of a snapshot, None when it has none."""
    table = neighbour_graphs
    query = select(table).where(table.c.pool_id == pool_id, table.c.snapshot == snapshot)
    return _graph(catalog, query)


def newest_graph(catalog: Catalog, pool_id: str) -> NeighbourGraph | None:
    """The graph of the newest snapshot that has one."""
    table = neighbour_graphs
    query = select(table).where(table.c.pool_id == pool_id).order_by(table.c.snapshot.desc())
    return _graph(catalog, query.limit(1))


def _graph(catalog: Catalog, query: Select[Any]) -> NeighbourGraph | None:
    with catalog.read() as connection:
        row = connection.execute(query).mappings().one_or_none()
    return None if row is None else NeighbourGraph(**row)
