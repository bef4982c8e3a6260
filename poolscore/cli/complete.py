"""Names of pools when Tab is pressed: soon, or none; never an error on a half-typed line."""

from collections.abc import Callable, Iterable

_WAIT_S = 1.0


def _quiet(names: Callable[[], Iterable[str]], incomplete: str) -> list[str]:
    try:
        return [name for name in names() if name.startswith(incomplete)]
    except Exception:  # whatever it is, the command itself says it better
        return []


def stored_pools(incomplete: str) -> list[str]:
    """Pools of the catalog, for commands that open it themselves."""
    return _quiet(_stored, incomplete)


def served_pools(incomplete: str) -> list[str]:
    """Pools of the service, for commands that speak with it."""
    return _quiet(_served, incomplete)


# What is imported below takes longer than all the rest of a completion.


def _stored() -> Iterable[str]:
    from poolscore.config import Settings
    from poolscore.store.catalog import Catalog
    from poolscore.store.pools import list_pools

    # Not `Catalog.open`: it would make a catalog where there is none, or migrate an older one.
    return [pool.pool_id for pool in list_pools(Catalog(Settings().catalog_url), 1000)[0]]


def _served() -> Iterable[str]:
    from poolscore.client import Client

    with Client(timeout_s=_WAIT_S) as client:
        return [pool.name.removeprefix("pools/") for pool in client.list_pools()]
