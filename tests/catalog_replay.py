"""A catalog's trail, replayed into another catalog, with what differs."""

from poolscore.store.catalog import Catalog
from poolscore.store.compare_catalogs import Difference, compare_catalogs
from poolscore.store.replay import replay


def replayed(source: Catalog, target: Catalog) -> list[Difference]:
    """Replay into an empty catalog; returns the differences afterwards."""
    with source.read() as read, target.write() as write:
        replay(read, write)
    with source.read() as one, target.read() as other:
        return list(compare_catalogs(one, other))
