import re
from contextvars import copy_context
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from poolscore.access.caller import Caller, Role, act_as
from poolscore.errors import (
    AbortedError,
    AlreadyExistsError,
    FailedPreconditionError,
    InvalidInputError,
    NotFoundError,
)
from poolscore.store.records import RunKind
from poolscore.v1 import label_service_pb2 as label_pb
from poolscore.v1 import pool_service_pb2 as pb
from poolscore.v1 import prompt_version_service_pb2 as prompt_pb
from poolscore.v1 import query_service_pb2 as query_pb
from poolscore.v1 import run_service_pb2 as run_pb
from services.api.backend import Backend
from services.api.ingress import Api
from tests.seeding import add_version, item_ids, seed_pool

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


def test_a_token_for_some_pools_lists_these(api: Api, backend: Backend, store_uri: str):
    for pool_id in ("a", "b", "c"):
        seed_pool(backend.catalog, store_uri, pool_id)

    def listed() -> list[str]:
        act_as(Caller("me", Role.READER, frozenset({"a", "c", "nowhere"})))
        first = api.ListPools(pb.ListPoolsRequest(page_size=1))
        rest = api.ListPools(pb.ListPoolsRequest(page_size=1, page_token=first.next_page_token))
        assert not rest.next_page_token
        return [pool.name for pool in (*first.pools, *rest.pools)]

    assert copy_context().run(listed) == ["pools/a", "pools/c"]
    assert len(api.ListPools(pb.ListPoolsRequest()).pools) == 3


def update(api: Api, paths: list[str], **fields: Any):
    pool = pb.Pool(name="pools/pets", **fields)
    return api.UpdatePool(pb.UpdatePoolRequest(pool=pool, update_mask=FieldMask(paths=paths)))


@pytest.fixture
def pets(backend: Backend, store_uri: str):
    seed_pool(backend.catalog, store_uri, "pets", items=7)


def test_the_mask_chooses_what_changes(api: Api, pets: None):
    values: dict[str, Any] = {"display_name": "Pets", "strategy": "margin", "train_after_labels": 5}
    budget = pb.Budget(labels=9, spent=4)
    some = update(api, ["strategy", "budget"], budget=budget, **values).pool
    assert (some.strategy, some.display_name, some.train_after_labels) == ("margin", "", 0)
    assert some.budget == pb.Budget(labels=9, left=9)
    given = update(api, [], display_name="Pets", template="ignored {}").pool
    assert (given.display_name, given.strategy, given.budget.labels) == ("Pets", "margin", 9)
    assert given.template == "a photo of a {}."
    everything = update(api, ["*"], classes=some.classes).pool
    assert (everything.display_name, everything.strategy) == ("", "coverage")
    assert everything.budget == pb.Budget()
    part = update(api, ["budget.labels"], budget=budget).pool
    assert part.budget.labels == 9
    assert update(api, ["display_name"]).pool.budget.labels == 9


@pytest.mark.parametrize(
    "path", ["etag", "counts", "create_time", "budget.spent", "template", "name", "colour", "*"]
)
def test_a_path_that_cannot_be_changed_is_named(api: Api, pets: None, path: str):
    with pytest.raises(InvalidInputError, match=f"names '{re.escape(path)}'") as caught:
        update(api, ["strategy", path], strategy="margin")
    assert (caught.value.reason, caught.value.metadata["field"]) == ("INVALID_UPDATE_MASK", path)
    assert api.GetPool(pb.GetPoolRequest(name="pools/pets")).pool.strategy == "random"


def test_the_etag_of_the_pool_is_compared(api: Api, pets: None):
    read = api.GetPool(pb.GetPoolRequest(name="pools/pets")).pool
    first = update(api, ["budget"], etag=read.etag, budget=pb.Budget(labels=3)).pool
    assert first.etag != read.etag
    with pytest.raises(AbortedError) as caught:
        update(api, ["budget"], etag=read.etag, budget=pb.Budget(labels=4))
    assert caught.value.reason == "ETAG_MISMATCH"
    with pytest.raises(AbortedError):
        api.DeletePool(pb.DeletePoolRequest(name="pools/pets", etag=read.etag))


def test_new_classes_wake_the_worker(api: Api, pets: None, woken: list[RunKind]):
    changed = update(api, ["classes"], classes=["cat", "dog", "owl", "fish"])
    assert list(changed.pool.classes) == ["cat", "dog", "owl", "fish"]
    assert changed.run == "pools/pets/runs/2"
    assert woken == [RunKind.RESCORE]
    assert update(api, ["classes"], classes=changed.pool.classes).run == ""
    assert len(woken) == 1


def test_predictions_keep_the_names_of_their_version(
    api: Api, backend: Backend, store_uri: str, pets: None
):
    # The third item is predicted as the third class: an owl, whatever the third is called now.
    update(api, ["classes"], classes=["cat", "dog", "fish"])
    lease = query_pb.LeaseBatchRequest(parent="pools/pets", size=3, annotator="a", request_id="r")
    batch = api.LeaseBatch(lease).batch
    assert [item.prediction.label for item in batch.items] == ["cat", "dog", "owl"]
    assert batch.prompt_version == "pools/pets/promptVersions/0"
    answer = label_pb.LabelInput(item=batch.items[2].name, answer=label_pb.Answer(label="fish"))
    api.SubmitLabels(label_pb.SubmitLabelsRequest(parent="pools/pets", labels=[answer]))
    add_version(backend.catalog, store_uri, "pets", item_ids(7), watermark=1)
    # What was leased before the switch, asked for again after it.
    assert api.LeaseBatch(lease).batch.items[2].prediction.label == "owl"
    assert (
        api.GetBatch(query_pb.GetBatchRequest(name=batch.name)).batch.items[2].prediction.label
        == "owl"
    )
    events = api.ListLabelEvents(label_pb.ListLabelEventsRequest(parent="pools/pets")).events
    assert (events[0].answer.label, events[0].predicted_label) == ("fish", "owl")
    versions = [
        api.GetPromptVersion(
            prompt_pb.GetPromptVersionRequest(name=f"pools/pets/promptVersions/{number}")
        ).prompt_version
        for number in (0, 1)
    ]
    assert [list(version.classes)[2] for version in versions] == ["owl", "fish"]
    with pytest.raises(FailedPreconditionError) as caught:
        api.ActivatePromptVersion(
            prompt_pb.ActivatePromptVersionRequest(name="pools/pets/promptVersions/0")
        )
    assert caught.value.reason == "CLASSES_DIFFER"
    spec = run_pb.RescoreSpec(prompt_version="pools/pets/promptVersions/0")
    with pytest.raises(FailedPreconditionError):
        api.StartRun(run_pb.StartRunRequest(parent="pools/pets", spec=run_pb.RunSpec(rescore=spec)))


def test_delete_and_undelete(api: Api, pets: None):
    get = pb.GetPoolRequest(name="pools/pets")
    read = api.GetPool(get).pool
    deleted = api.DeletePool(pb.DeletePoolRequest(name="pools/pets", etag=read.etag)).pool
    assert deleted.HasField("delete_time")
    assert api.GetPool(get).pool == deleted
    assert not api.ListPools(pb.ListPoolsRequest()).pools
    assert list(api.ListPools(pb.ListPoolsRequest(show_deleted=True)).pools) == [deleted]
    for call in (
        lambda: api.DeletePool(pb.DeletePoolRequest(name="pools/pets")),
        lambda: api.LeaseBatch(
            query_pb.LeaseBatchRequest(parent="pools/pets", size=1, annotator="a")
        ),
        lambda: api.SubmitLabels(label_pb.SubmitLabelsRequest(parent="pools/pets")),
        lambda: api.ListRuns(run_pb.ListRunsRequest(parent="pools/pets")),
    ):
        with pytest.raises(NotFoundError) as caught:
            call()
        assert caught.value.reason == "POOL_DELETED"
    back = api.UndeletePool(pb.UndeletePoolRequest(name="pools/pets")).pool
    assert not back.HasField("delete_time")
    assert (back.counts, back.active_ranking) == (read.counts, read.active_ranking)


def test_a_budget_from_the_start(api: Api):
    pool = create(api, budget=pb.Budget(labels=5, spent=3))
    assert pool.budget == pb.Budget(labels=5, left=5)
    with pytest.raises(InvalidInputError) as caught:
        create(api, "others", budget=pb.Budget(labels=-1))
    assert caught.value.reason == "INVALID_BUDGET"


def test_what_is_spent_and_reserved(api: Api, pets: None):
    update(api, ["budget"], budget=pb.Budget(labels=4))
    request = query_pb.LeaseBatchRequest(parent="pools/pets", size=3, annotator="a")
    first = api.LeaseBatch(request).batch.items[0].name
    answer = label_pb.LabelInput(item=first, answer=label_pb.Answer(label="cat"))
    api.SubmitLabels(label_pb.SubmitLabelsRequest(parent="pools/pets", labels=[answer]))
    pool = api.GetPool(pb.GetPoolRequest(name="pools/pets")).pool
    assert pool.budget == pb.Budget(labels=4, spent=1, reserved=2, left=1)
    assert len(api.LeaseBatch(request).batch.items) == 1
    with pytest.raises(FailedPreconditionError) as caught:
        api.LeaseBatch(request)
    assert caught.value.reason == "BUDGET_SPENT"


def test_a_list_with_a_filter(api: Api, backend: Backend, store_uri: str, pets: None):
    seed_pool(backend.catalog, store_uri, "birds")
    update(api, ["strategy"], strategy="margin")
    listed = api.ListPools(pb.ListPoolsRequest(filter='strategy = "margin"')).pools
    assert [pool.name for pool in listed] == ["pools/pets"]
    with pytest.raises(InvalidInputError) as caught:
        api.ListPools(pb.ListPoolsRequest(filter="size > 3"))
    assert caught.value.reason == "INVALID_FILTER"
