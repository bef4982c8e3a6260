import gc
import weakref

import pytest

from services.api import ranking_cache
from services.api.backend import Backend
from tests.seeding import seed_pool


def test_rankings_of_many_pools_do_not_stay_in_memory(
    backend: Backend, store_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        seed_pool(backend.catalog, store_uri, name)
    cache = backend.rankings
    a = cache.last("a").ranking
    assert cache.last("a").ranking is a
    monkeypatch.setattr(ranking_cache, "_MOST_BYTES", 1)
    kept = weakref.ref(a)
    del a
    b = cache.last("b").ranking
    gc.collect()
    assert kept() is None
    # One is kept however large it is, and one that has gone is read again.
    assert cache.last("b").ranking is b
    assert cache.last("a").ranking.record.name == "pools/a/rankings/1"


def test_rankings_of_several_pools_stay_while_there_is_room(
    backend: Backend, store_uri: str
) -> None:
    pools = [f"p{number}" for number in range(12)]
    for name in pools:
        seed_pool(backend.catalog, store_uri, name, items=3)
    loaded = [backend.rankings.last(name).ranking for name in pools]
    again = [backend.rankings.last(name).ranking for name in pools]
    assert [id(each) for each in again] == [id(each) for each in loaded]
