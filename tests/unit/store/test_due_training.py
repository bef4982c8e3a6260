from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from poolscore.labels.answer import Abstain, Label, LabelInput
from poolscore.store import prompt_versions, record_labels, run_queue, runs
from poolscore.store.catalog import Catalog
from poolscore.store.due_training import queue_due_training
from poolscore.store.prompt_versions import add_prompt_version
from poolscore.store.records import Promotion, RunKind, RunState
from tests.seeding import add_version, item_ids, seed_pool


@pytest.fixture
def store_uri(tmp_path: Path) -> str:
    return str(tmp_path / "store")


@pytest.fixture(autouse=True)
def pool(catalog: Catalog, store_uri: str) -> None:
    seed_pool(catalog, store_uri, "p", items=30, train_after_labels=3)


def answer(catalog: Catalog, *items: int) -> None:
    inputs = [LabelInput(item_ids(30)[item], Label("cat"), "ann") for item in items]
    record_labels.record_labels(
        catalog, "p", inputs, None, known_items=lambda ids: [True] * len(ids)
    )


def train_when_due(catalog: Catalog, pool_id: str) -> bool:
    return queue_due_training(catalog, pool_id) is not None


def trainings(catalog: Catalog) -> list[str]:
    found, _ = runs.list_runs(catalog, "p")
    return [run.request_id for run in found if run.kind is RunKind.TRAIN]


def test_nothing_before_the_threshold(catalog: Catalog) -> None:
    answer(catalog, 0, 1)
    assert not train_when_due(catalog, "p")
    assert trainings(catalog) == []


def test_one_run_at_the_threshold_however_often_it_is_asked(catalog: Catalog) -> None:
    answer(catalog, 0, 1, 2)
    assert train_when_due(catalog, "p")
    assert not train_when_due(catalog, "p")
    answer(catalog, 3, 4, 5, 6)
    assert not train_when_due(catalog, "p")
    assert trainings(catalog) == ["auto-0-1"]


def test_a_failed_run_is_tried_again_after_as_many_answers_more(catalog: Catalog) -> None:
    answer(catalog, 0, 1, 2)
    train_when_due(catalog, "p")
    run = run_queue.claim_run(catalog, [RunKind.TRAIN], "me", 60)
    assert run is not None
    run_queue.finish_run(catalog, run, "me", RunState.FAILED, "out of memory")
    answer(catalog, 3)
    assert not train_when_due(catalog, "p")
    assert trainings(catalog) == ["auto-0-1"]
    answer(catalog, 4, 5)
    assert train_when_due(catalog, "p")
    assert trainings(catalog) == ["auto-0-2", "auto-0-1"]


def test_answers_during_training_count_for_the_next_run(catalog: Catalog, store_uri: str) -> None:
    answer(catalog, 0, 1, 2)
    train_when_due(catalog, "p")
    run = run_queue.claim_run(catalog, [RunKind.TRAIN], "me", 60)
    assert run is not None
    answer(catalog, 3, 4, 5)
    add_version(catalog, store_uri, "p", item_ids(30), watermark=3)
    run_queue.finish_run(catalog, run, "me", RunState.SUCCEEDED)
    assert train_when_due(catalog, "p")
    assert trainings(catalog) == ["auto-1-1", "auto-0-1"]


def test_a_refused_version_is_not_trained_again(catalog: Catalog) -> None:
    answer(catalog, 0, 1, 2)
    train_when_due(catalog, "p")
    run = run_queue.claim_run(catalog, [RunKind.TRAIN], "me", 60)
    assert run is not None
    refused = Promotion(False, "refused: worse", 0, 30, 0.1, 0.9, 0.5, 0.1, 0.001)
    add_prompt_version(catalog, "p", "e" * 64, "x", 3, 3, 0, {}, promotion=refused)
    run_queue.finish_run(catalog, run, "me", RunState.SUCCEEDED)
    assert not train_when_due(catalog, "p")
    answer(catalog, 3, 4, 5)
    assert train_when_due(catalog, "p")
    assert trainings(catalog) == ["auto-1-1", "auto-0-1"]


def test_abstentions_teach_nothing(catalog: Catalog) -> None:
    inputs = [LabelInput(item, Abstain(), "ann") for item in item_ids(5)]
    record_labels.record_labels(
        catalog, "p", inputs, None, known_items=lambda ids: [True] * len(ids)
    )
    assert not train_when_due(catalog, "p")


def test_a_pool_that_trains_on_request_only(catalog: Catalog, store_uri: str) -> None:
    seed_pool(catalog, store_uri, "q", train_after_labels=0)
    assert not train_when_due(catalog, "q")


def test_replicas_that_hear_answers_at_once_queue_one_run(catalog: Catalog) -> None:
    """Each of them sees another number of new answers, and so would name another request."""
    replicas = [Catalog(catalog.url) for _ in range(6)]

    def hear(replica: int) -> bool:
        answer(replicas[replica], *range(3 * replica, 3 * replica + 3))
        return train_when_due(replicas[replica], "p")

    with ThreadPoolExecutor(len(replicas)) as threads:
        queued = list(threads.map(hear, range(len(replicas))))
    for replica in replicas:
        replica.close()
    assert sum(queued) == len(trainings(catalog)) == 1


def test_new_classes_are_trained_with_all_answers(catalog: Catalog, store_uri: str) -> None:
    answer(catalog, 0, 1, 2)
    train_when_due(catalog, "p")
    run = run_queue.claim_run(catalog, [RunKind.TRAIN], "me", 60)
    assert run is not None
    run_queue.finish_run(catalog, run, "me", RunState.SUCCEEDED)
    add_version(catalog, store_uri, "p", item_ids(30), watermark=3)
    assert not train_when_due(catalog, "p")
    # The watermark and the number of answers are those of the first run again.
    prompt_versions.add_prompt_version(catalog, "p", "z" * 64, "z", 0, 0, None, {}, ["cat", "x"])
    assert train_when_due(catalog, "p")
    assert trainings(catalog) == ["auto-2-1", "auto-0-1"]
