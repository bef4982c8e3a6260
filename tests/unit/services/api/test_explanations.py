import asyncio
from pathlib import Path
from typing import Any

import pytest

from pipelines.neighbours import make_graph
from poolscore.errors import FailedPreconditionError, InvalidInputError, NotFoundError
from poolscore.labels.answer import Label
from poolscore.store.change_pool import PoolChange, delete_pool, update_pool
from poolscore.store.rankings import get_ranking
from poolscore.store.snapshots import get_snapshot
from poolscore.v1 import query_service_pb2 as pb
from services.api.backend import Backend
from services.api.ingress import Api
from services.api.ranking_cache import RankingCache
from tests.ranked_pool import RankedPool
from tests.seeding import seed_pool


@pytest.fixture
def pool(tmp_path: Path) -> RankedPool:
    """In the home of `backend`."""
    return RankedPool(tmp_path)


def explain(api: Api, item: str, **fields: Any) -> pb.ExplainItemResponse:
    request = pb.ExplainItemRequest(name=f"pools/p/items/{item}", **fields)
    return asyncio.run(api.ExplainItem(request))


def preview(api: Api, **fields: Any) -> pb.PreviewBatchResponse:
    return asyncio.run(api.PreviewBatch(pb.PreviewBatchRequest(parent="pools/p", **fields)))


def leased(api: Api, size: int, **fields: Any) -> pb.Batch:
    request = pb.LeaseBatchRequest(parent="pools/p", size=size, annotator="ann", **fields)
    return api.LeaseBatch(request).batch


def top(api: Api, size: int) -> list[str]:
    """Ids of the best items by a lease that is given back."""
    batch = leased(api, size)
    api.ReleaseBatch(pb.ReleaseBatchRequest(name=batch.name))
    return [item.name.removeprefix("pools/p/items/") for item in batch.items]


def test_a_ranked_item_with_everything_that_led_to_its_place(api: Api, pool: RankedPool) -> None:
    best, *_, last = top(api, 20)
    found = explain(api, best, size=3)
    assert (found.item.rank, found.place) == (0, pb.ITEM_PLACE_RANKED)
    assert found.item.reason
    assert (found.ranking, found.prompt_version) == (
        "pools/p/rankings/1",
        "pools/p/promptVersions/0",
    )
    assert found.predicted.label == found.item.prediction.label != found.runner_up.label
    assert found.predicted.HasField("negative_similarity")
    assert dict(found.uncertainty) == {"entropy": found.item.prediction.entropy}
    assert (found.cut.beaten, found.cut.rank, found.cut.size) == (True, 2, 3)
    assert found.cut.utility <= found.item.utility
    assert found.state == pb.ITEM_STATE_OPEN
    record, made = get_ranking(pool.catalog, "p", 1), found.provenance
    assert (made.ranking_digest, made.seed, made.strategy) == (
        record.sha256,
        record.seed,
        "entropy",
    )
    assert (made.snapshot, made.code_version) == ("pools/p/snapshots/2", record.code_version)
    assert dict(made.parameters) == {"size": "100000"}
    assert len(made.prompt_digest) == 64
    below = explain(api, last, size=3)
    assert (below.cut.beaten, below.item.rank) == (False, 19)
    assert "the last of them has rank 2" in below.cut.why


def test_leased_and_answered_items(api: Api, pool: RankedPool) -> None:
    first, second, third = top(api, 3)
    batch = leased(api, 1)
    pool.answer(second, Label("cat"))
    held, answered, near = (explain(api, item) for item in (first, second, third))
    assert (held.state, held.batch, held.cut.beaten) == (pb.ITEM_STATE_LEASED, batch.name, False)
    assert answered.state == pb.ITEM_STATE_ANSWERED
    assert answered.label_event == "pools/p/labelEvents/1"
    assert [each.item for each in near.neighbours] == [f"pools/p/items/{second}"]
    assert list(near.neighbours[0].labels) == ["cat"]
    # A ranking that was made later does not have it, the stored one still does.
    assert (answered.place, answered.item.rank) == (pb.ITEM_PLACE_RANKED, 1)
    pool.rank()
    later = explain(api, second)
    assert (later.place, later.item.rank, later.item.reason) == (pb.ITEM_PLACE_ANSWERED, -1, "")
    assert later.item.prediction.label
    assert explain(api, second, ranking="pools/p/rankings/1").item.rank == 1


def test_a_copy_of_another_photograph(api: Api, tmp_path: Path) -> None:
    pool = RankedPool(tmp_path, [bytes(16)] * 10)
    make_graph(pool.catalog, pool.store, get_snapshot(pool.catalog, "p", 2), 19)
    pool.rank()
    copies = [explain(api, f"1-{row}") for row in range(10)]
    left_out = [each for each in copies if each.place == pb.ITEM_PLACE_DUPLICATE]
    assert left_out
    for each in left_out:
        assert each.item.name in each.near_duplicates
        assert "it shows the same photograph as item '1-" in each.note
        assert each.cut.why == "it has no place in this ranking"


def test_items_that_are_not_there(api: Api, backend: Backend, pool: RankedPool, store_uri: str):
    with pytest.raises(NotFoundError) as caught:
        explain(api, "nobody")
    assert caught.value.reason == "ITEM_NOT_FOUND"
    seed_pool(backend.catalog, store_uri, "q", items=3)
    request = pb.ExplainItemRequest(name="pools/q/items/broken")
    found = asyncio.run(api.ExplainItem(request))
    assert (found.place, found.item.rank) == (pb.ITEM_PLACE_REJECTED, -1)
    assert "it could not be embedded" in found.note
    assert not found.item.HasField("prediction")
    # The same whether the other pool has such a ranking, or exists at all.
    for foreign in ("pools/q/rankings/1", "pools/q/rankings/9", "pools/z/rankings/-"):
        with pytest.raises(InvalidInputError) as other:
            explain(api, "1-0", ranking=foreign)
        assert other.value.reason == "WRONG_POOL"
    with pytest.raises(InvalidInputError) as size:
        explain(api, "1-0", size=1001)
    assert size.value.reason == "INVALID_SIZE"


def test_the_cut_by_the_budget(api: Api, pool: RankedPool) -> None:
    first, second, third = top(api, 3)
    assert not explain(api, first).cut.HasField("budget_left")
    update_pool(pool.catalog, "p", PoolChange(budget=2))
    inside, outside = (explain(api, item, size=5).cut for item in (second, third))
    assert (inside.beaten, inside.size, inside.rank, inside.budget_left) == (True, 2, 1, 2)
    assert inside.why.endswith("; of 5 asked for, the budget leaves 2")
    assert (outside.beaten, outside.size, outside.budget_left) == (False, 2, 2)
    assert len(leased(api, 5).items) == 2
    spent = explain(api, third, size=5).cut
    assert (spent.beaten, spent.size, spent.rank, spent.budget_left) == (False, 0, -1, 0)
    assert "the budget is spent" in spent.why


def test_the_images_around_an_item(api: Api, pool: RankedPool) -> None:
    first, second, *_ = top(api, 3)
    assert not explain(api, first).HasField("cluster")
    make_graph(pool.catalog, pool.store, get_snapshot(pool.catalog, "p", 2), 19)
    pool.answer(second, Label("cat"))
    around = explain(api, first).cluster
    assert len(around.items) == 19
    assert f"pools/p/items/{second}" in around.items
    assert around.labeled == 1


def test_a_preview_is_what_a_rescore_and_a_lease_would_give(api: Api, pool: RankedPool) -> None:
    leased(api, 2)
    shown = preview(api, size=4, strategy="margin", classes=["cat", "dog"])
    assert (shown.strategy, shown.prompt_version, shown.ranking) == (
        "margin",
        "pools/p/promptVersions/0",
        "pools/p/rankings/1",
    )
    with pytest.raises(FailedPreconditionError):
        leased(api, 4, strategy="margin")
    pool.rank(strategy="margin")
    batch = leased(api, 4, strategy="margin", classes=["cat", "dog"])
    assert [item.name for item in batch.items] == [item.name for item in shown.items]
    assert batch.ranking == "pools/p/rankings/2"
    # The active ranking has not moved, and does not give what is leased.
    following = leased(api, 20)
    assert following.ranking == "pools/p/rankings/1"
    assert not {item.name for item in batch.items} & {item.name for item in following.items}


def test_a_retry_after_the_strategys_ranking_is_gone(api: Api, pool: RankedPool) -> None:
    pool.rank(strategy="margin")
    first = leased(api, 2, strategy="margin", request_id="m")
    pool.rank(prompt_version=pool.add_version())
    assert leased(api, 2, strategy="margin", request_id="m") == first
    with pytest.raises(FailedPreconditionError) as caught:
        leased(api, 2, strategy="margin")
    assert caught.value.reason == "NO_RANKING"
    api.backend.rankings = RankingCache(
        pool.catalog, pool.root, api.backend.classes_of
    )  # as after a restart
    assert leased(api, 2, strategy="margin", request_id="m") == first


def test_classes_are_those_of_the_version_that_ranked(api: Api, pool: RankedPool) -> None:
    shown, names = preview(api, size=20), {"cat", "dog", "owl"}
    update_pool(pool.catalog, "p", PoolChange(classes=["cat", "newt", "eft"]))
    again = preview(api, size=20)
    assert [each.prediction.label for each in again.items] == [
        each.prediction.label for each in shown.items
    ]
    for item in top(api, 5):
        found = explain(api, item)
        assert {found.item.prediction.label, found.runner_up.label} <= names


def test_a_deleted_pool_answers_nothing(api: Api, pool: RankedPool) -> None:
    delete_pool(pool.catalog, "p")
    for call in (
        lambda: explain(api, "1-1"),
        lambda: explain(api, "1-1", ranking="pools/p/rankings/1"),
        lambda: preview(api, size=3),
        lambda: leased(api, 1, strategy="entropy", classes=["cat"]),
    ):
        with pytest.raises(NotFoundError) as caught:
            call()
        assert caught.value.reason == "POOL_DELETED"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"size": 0}, "INVALID_SIZE"),
        ({"size": 3, "strategy": "best"}, "UNKNOWN_STRATEGY"),
        ({"size": 3, "classes": ["newt"]}, "UNKNOWN_CLASS"),
    ],
)
def test_bad_previews(api: Api, pool: RankedPool, fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        preview(api, **fields)
    assert caught.value.reason == reason
