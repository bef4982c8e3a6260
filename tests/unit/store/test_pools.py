from datetime import timedelta

import pytest

from poolscore.encoder.spec import EncoderSpec
from poolscore.errors import AlreadyExistsError, InvalidInputError, NotFoundError
from poolscore.labels.answer import Label, LabelInput
from poolscore.store.catalog import Catalog
from poolscore.store.leases import lease_batch
from poolscore.store.pools import create_pool, get_pool, list_pools
from poolscore.store.ranking_file import LoadedRanking
from poolscore.store.record_labels import record_labels
from poolscore.store.records import PoolCounts
from tests.store_world import POOL, add_pool, item


def test_a_pool_is_read_as_it_was_created(catalog: Catalog) -> None:
    spec = EncoderSpec(model="ViT-B-32", pretrained="openai", precision="fp32")
    created = create_pool(
        catalog, "cells", ["b", "a"], "a {}", spec, "d" * 64, "entropy", 5, "Cells"
    )
    assert created == get_pool(catalog, "cells")
    assert created.classes == ("b", "a")
    assert created.encoder == spec
    assert (created.template, created.strategy, created.train_after_labels) == (
        "a {}",
        "entropy",
        5,
    )
    assert created.name == "pools/cells"


def test_empty_template_and_strategy_mean_the_defaults(catalog: Catalog) -> None:
    pool = add_pool(catalog)
    assert (pool.template, pool.strategy) == ("a photo of a {}.", "coverage")


def test_a_taken_name_is_refused_also_when_only_validating(catalog: Catalog) -> None:
    add_pool(catalog)
    for validate_only in (False, True):
        with pytest.raises(AlreadyExistsError) as caught:
            create_pool(catalog, POOL, ["a", "b"], "", EncoderSpec(), "d", "", 0, "", validate_only)
        assert caught.value.reason == "POOL_EXISTS"


def test_validation_writes_nothing(catalog: Catalog) -> None:
    create_pool(catalog, "x", ["a", "b"], "", EncoderSpec(), "d", "", 0, validate_only=True)
    assert list_pools(catalog) == ([], "")
    with pytest.raises(InvalidInputError, match="two or more"):
        create_pool(catalog, "x", ["a"], "", EncoderSpec(), "d", "", 0, validate_only=True)


def test_a_missing_pool_is_named(catalog: Catalog) -> None:
    with pytest.raises(NotFoundError, match="'nope'") as caught:
        get_pool(catalog, "nope")
    assert caught.value.reason == "POOL_NOT_FOUND"


def test_pages_follow_each_other_by_name(catalog: Catalog) -> None:
    for name in ("d", "b", "a", "c", "e"):
        add_pool(catalog, name)
    pages, token = [], ""
    while True:
        page, token = list_pools(catalog, 2, token)
        pages.append([pool.pool_id for pool in page])
        if not token:
            break
    assert pages == [["a", "b"], ["c", "d"], ["e"]]


@pytest.mark.parametrize("token", ["%%%", "ÿÿ", "a", "gIA="])
def test_a_foreign_page_token_is_refused(catalog: Catalog, token: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        list_pools(catalog, 2, token)
    assert caught.value.reason == "INVALID_PAGE_TOKEN"


def test_page_sizes(catalog: Catalog) -> None:
    add_pool(catalog)
    assert len(list_pools(catalog, 10**6)[0]) == 1
    with pytest.raises(InvalidInputError) as caught:
        list_pools(catalog, -1)
    assert caught.value.reason == "INVALID_PAGE_SIZE"


def test_counts(catalog: Catalog, ranking: LoadedRanking) -> None:
    lease_batch(catalog, POOL, 5, "ann", timedelta(hours=1), None, ranking)
    record_labels(catalog, POOL, [LabelInput(item(0), Label("cat"), batch=1)], None)
    assert get_pool(catalog, POOL).counts == PoolCounts(20, 0, answered=1, leased=4)


def test_an_expired_lease_is_not_counted(catalog: Catalog, ranking: LoadedRanking) -> None:
    past = get_pool(catalog, POOL).create_time - timedelta(hours=2)
    lease_batch(catalog, POOL, 5, "ann", timedelta(hours=1), None, ranking, now=past)
    assert get_pool(catalog, POOL).counts.leased == 0
