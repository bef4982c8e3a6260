"""Pools over the wire: change, delete, budget, classes, conflicts."""

from collections.abc import Callable
from pathlib import Path

import pytest

from poolscore.client import Client
from poolscore.errors import (
    AbortedError,
    AlreadyExistsError,
    FailedPreconditionError,
    InvalidInputError,
    NotFoundError,
)
from poolscore.v1 import label_service_pb2 as label_pb
from poolscore.v1 import pool_service_pb2 as pb
from poolscore.v1 import run_service_pb2 as run_pb
from tests.photographs import write_photographs


def said(item: str, label: str, annotator: str) -> label_pb.LabelInput:
    return label_pb.LabelInput(item=item, answer=label_pb.Answer(label=label), annotator=annotator)


def test_an_update_needs_the_newest_etag(client: Client, new_pool: Callable[..., str]) -> None:
    pool = client.get_pool(new_pool())
    change = pb.Pool(name=pool.name, etag=pool.etag, display_name="Pets", strategy="margin")
    updated = client.update_pool(change).pool
    assert (updated.display_name, updated.strategy) == ("Pets", "margin")
    assert updated.classes == pool.classes
    with pytest.raises(AbortedError) as stale:
        client.update_pool(change, ["display_name"])
    assert (stale.value.reason, stale.value.metadata["etag"]) == ("ETAG_MISMATCH", updated.etag)
    with pytest.raises(InvalidInputError) as masked:
        client.update_pool(pb.Pool(name=pool.name), ["counts"])
    assert masked.value.reason == "INVALID_UPDATE_MASK"


def test_delete_and_undelete(client: Client, new_pool: Callable[..., str]) -> None:
    pool_id = new_pool()
    batch = client.lease(pool_id, 1, "ann")
    deleted = client.delete_pool(pool_id, etag=client.get_pool(pool_id).etag)
    assert client.get_pool(pool_id) == deleted
    calls: list[Callable[[], object]] = [
        lambda: client.lease(pool_id, 1, "ann"),
        lambda: client.get_batch(batch.name),
        lambda: client.submit_labels(pool_id, [said(batch.items[0].name, "cat", "ann")]),
        lambda: client.train(pool_id),
        lambda: list(client.ranking(f"pools/{pool_id}/rankings/1")),
        lambda: list(client.list_label_events(pool_id)),
        lambda: client.delete_pool(pool_id),
    ]
    for call in calls:
        with pytest.raises(NotFoundError) as caught:
            call()
        assert caught.value.reason == "POOL_DELETED"
    assert deleted not in list(client.list_pools())
    assert list(client.list_pools(show_deleted=True, matching="delete_time:*")) == [deleted]
    client.undelete_pool(pool_id)
    assert client.get_batch(batch.name).items == batch.items
    with pytest.raises(AlreadyExistsError):
        client.undelete_pool(pool_id)


def test_a_budget_is_kept(client: Client, new_pool: Callable[..., str]) -> None:
    pool_id = new_pool()
    name = f"pools/{pool_id}"
    client.update_pool(pb.Pool(name=name, budget=pb.Budget(labels=3)))
    batch = client.lease(pool_id, 5, "ann")
    assert len(batch.items) == 3
    with pytest.raises(FailedPreconditionError) as caught:
        client.lease(pool_id, 1, "bob")
    assert caught.value.reason == "BUDGET_SPENT"
    client.submit_labels(pool_id, [said(item.name, "cat", "ann") for item in batch.items[:2]])
    assert client.get_pool(pool_id).budget == pb.Budget(labels=3, spent=2, reserved=1)
    client.retract_label(batch.items[0].name, "ann")
    assert client.get_pool(pool_id).budget == pb.Budget(labels=3, spent=1, reserved=1, left=1)
    assert [item.name for item in client.lease(pool_id, 5, "bob").items] == [batch.items[0].name]


def test_conflicts_and_retractions(client: Client, new_pool: Callable[..., str]) -> None:
    pool_id = new_pool()
    one, two = (item.name for item in client.lease(pool_id, 2, "ann").items)
    client.submit_labels(pool_id, [said(item, "cat", "ann") for item in (one, two)])
    client.submit_labels(pool_id, [said(one, "dog", "bob"), said(two, "cat", "bob")])
    (conflict,) = client.list_conflicts(pool_id)
    assert conflict.item == one
    assert [event.answer.label for event in conflict.answers] == ["cat", "dog"]
    event = client.retract_label(one, "bob", request_id="r")
    assert client.retract_label(one, "bob", request_id="r") == event
    assert not list(client.list_conflicts(pool_id))
    assert [each.retracts for each in client.list_label_events(pool_id, item=one)] == [
        "",
        "",
        f"pools/{pool_id}/labelEvents/3",
    ]
    with pytest.raises(NotFoundError) as caught:
        client.retract_label(one, "bob")
    assert caught.value.reason == "NO_ANSWER"


@pytest.fixture
def photos(client: Client, tmp_path: Path) -> str:
    write_photographs(tmp_path, 12)
    client.create_pool("changing", pb.Pool(classes=["cat", "rocket"]))
    ended(client, client.embed("changing", str(tmp_path)))
    return "changing"


def ended(client: Client, run: run_pb.Run) -> run_pb.Run:
    *_, last = client.watch_run(run.name)
    assert last.state == run_pb.RUN_STATE_SUCCEEDED, last.error
    return last


def test_new_classes_take_over_when_their_run_has_ended(client: Client, photos: str) -> None:
    old = client.lease(photos, 1, "ann", request_id="before")
    new = ["cat", "rocket", "surface of the moon"]
    changed = client.update_pool(pb.Pool(name="pools/changing", classes=new))
    answer = said(old.items[0].name, "surface of the moon", "ann")
    assert client.submit_labels(photos, [answer]).accepted == 1
    run = ended(client, client.get_run(changed.run))
    pool = client.get_pool(photos)
    assert pool.active_prompt_version == run.prompt_version == "pools/changing/promptVersions/1"
    assert client.lease(photos, 1, "ann", request_id="before").items[0].prediction == (
        old.items[0].prediction
    )
    newest = next(client.list_prompt_versions(photos))
    assert (list(newest.classes), newest.active) == (new, True)
    trained = ended(client, client.train(photos))
    assert trained.prompt_version == "pools/changing/promptVersions/2"
    with pytest.raises(FailedPreconditionError) as differ:
        client.activate("pools/changing/promptVersions/0")
    assert differ.value.reason == "CLASSES_DIFFER"
    with pytest.raises(FailedPreconditionError) as in_use:
        client.update_pool(pb.Pool(name="pools/changing", classes=["cat", "rocket"]))
    assert in_use.value.reason == "CLASS_IN_USE"
