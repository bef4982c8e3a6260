from typing import Any

import pytest

from poolscore.errors import AlreadyExistsError, InvalidInputError, NotFoundError
from poolscore.v1 import pool_service_pb2 as pb
from services.api.backend import Backend
from services.api.ingress import Api
from tests.seeding import seed_pool

_PETS: dict[str, Any] = {"classes": ["cat", "dog"]}


def create(api: Api, pool_id: str = "pets", *, validate_only: bool = False, **fields: Any):
    pool = pb.Pool(**(_PETS | fields))
    request = pb.CreatePoolRequest(pool_id=pool_id, pool=pool, validate_only=validate_only)
    return api.CreatePool(request).pool


def test_defaults_are_filled_in_and_the_encoder_has_its_digest(api: Api):
    pool = create(api)
    assert pool.name == "pools/pets"
    assert pool.template == "a photo of a {}."
    assert pool.strategy == "coverage"
    assert pool.encoder.model == "poolscore-lite"
    # What `auto` means on this machine, so that another one embeds alike.
    assert pool.encoder.precision in (pb.PRECISION_BF16, pb.PRECISION_FP32)
    assert len(bytes.fromhex(pool.encoder.digest)) == 32
    assert pool.etag
    assert (pool.active_snapshot, pool.active_ranking) == ("", "")
    assert api.GetPool(pb.GetPoolRequest(name="pools/pets")).pool == pool


def test_validate_only_writes_nothing(api: Api):
    assert create(api, validate_only=True).name == "pools/pets"
    with pytest.raises(NotFoundError):
        api.GetPool(pb.GetPoolRequest(name="pools/pets"))


def test_a_taken_name_is_refused_before_the_encoder_is_loaded(
    api: Api, backend: Backend, store_uri: str
):
    seed_pool(backend.catalog, store_uri, "pets")
    with pytest.raises(AlreadyExistsError) as caught:
        create(api, encoder=pb.Encoder(model="no-such-model"))
    assert caught.value.reason == "POOL_EXISTS"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"pool_id": "Pets"}, "INVALID_POOL_ID"),
        ({"classes": ["cat"]}, "INVALID_CLASSES"),
        ({"template": "a photo"}, "INVALID_TEMPLATE"),
        ({"strategy": "oracle"}, "UNKNOWN_STRATEGY"),
        ({"train_after_labels": -1}, "INVALID_TRAIN_AFTER_LABELS"),
        ({"encoder": pb.Encoder.FromString(b"\x18\x09")}, "INVALID_PRECISION"),
        ({"encoder": pb.Encoder(model="no-such-model")}, "UNKNOWN_MODEL"),
    ],
)
def test_bad_pools(api: Api, fields: dict[str, Any], reason: str):
    with pytest.raises(InvalidInputError) as caught:
        create(api, **fields)
    assert caught.value.reason == reason


def test_counts(api: Api, backend: Backend, store_uri: str):
    seed_pool(backend.catalog, store_uri, "pets", items=7)
    pool = api.GetPool(pb.GetPoolRequest(name="pools/pets")).pool
    assert pool.counts == pb.PoolCounts(embedded=7, rejected=1)
    assert pool.active_snapshot == "pools/pets/snapshots/1"
    assert pool.active_prompt_version == "pools/pets/promptVersions/0"


def test_pools_are_listed_by_name_in_pages(api: Api, backend: Backend, store_uri: str):
    for pool_id in ("b", "c", "a"):
        seed_pool(backend.catalog, store_uri, pool_id)
    first = api.ListPools(pb.ListPoolsRequest(page_size=2))
    rest = api.ListPools(pb.ListPoolsRequest(page_size=2, page_token=first.next_page_token))
    names = [pool.name for pool in (*first.pools, *rest.pools)]
    assert names == ["pools/a", "pools/b", "pools/c"]
    assert not rest.next_page_token
    with pytest.raises(InvalidInputError):
        api.ListPools(pb.ListPoolsRequest(page_size=-1))
