from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from poolscore.client import Client
from poolscore.v1 import query_service_pb2 as pb
from tests.integration.services.running import Running
from tests.seeding import add_version, item_ids


def ids(batch: pb.Batch) -> list[str]:
    return [item.name.rpartition("/")[2] for item in batch.items]


def test_clients_that_lease_at_once_never_share_an_item(
    service: Running, new_pool: Callable[..., str]
) -> None:
    pool = new_pool(items=200)

    def annotate(name: str) -> list[str]:
        with Client(service.address) as client:
            return [item for _ in range(10) for item in ids(client.lease(pool, 5, name))]

    with ThreadPoolExecutor() as threads:
        parts = list(threads.map(annotate, ["ann", "bob", "cem", "dan"]))
    assert [len(part) for part in parts] == [50] * 4
    assert sorted(item for part in parts for item in part) == item_ids(200)


def test_a_retried_lease_returns_the_same_batch(
    client: Client, new_pool: Callable[..., str]
) -> None:
    pool = new_pool()
    first = client.lease(pool, 3, "ann", request_id="r1")
    assert client.lease(pool, 3, "ann", request_id="r1") == first
    assert client.get_pool(pool).counts.leased == 3


def test_released_items_come_back(client: Client, new_pool: Callable[..., str]) -> None:
    pool = new_pool()
    batch = client.lease(pool, 3, "ann")
    assert client.release_batch(batch.name) == 3
    assert client.get_batch(batch.name).state == pb.BATCH_STATE_RELEASED
    assert ids(client.lease(pool, 3, "bob")) == item_ids(3)


def test_the_replica_follows_a_switch_made_elsewhere(
    client: Client, service: Running, new_pool: Callable[..., str]
) -> None:
    pool = new_pool()
    assert client.lease(pool, 1, "ann").ranking == f"pools/{pool}/rankings/1"
    add_version(service.catalog, service.store_uri, pool, item_ids(20)[::-1], watermark=1)
    batch = client.lease(pool, 1, "ann")
    assert (batch.ranking, ids(batch)) == (f"pools/{pool}/rankings/2", ["item-0019"])
    ranking = list(client.ranking(f"pools/{pool}/rankings/-", limit=3))
    assert [item.rank for item in ranking] == [0, 1, 2]
    assert ranking[0].name.endswith("item-0019")
