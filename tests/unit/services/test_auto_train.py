import pytest

from poolscore.labels.answer import Abstain, Label, LabelInput
from poolscore.store import record_labels, run_queue, runs
from poolscore.store.catalog import Catalog
from poolscore.store.records import RunKind, RunState
from services.api.backend import Backend
from services.auto_train import train_when_due
from tests.seeding import add_version, item_ids, seed_pool


@pytest.fixture
def catalog(backend: Backend, store_uri: str) -> Catalog:
    seed_pool(backend.catalog, store_uri, "p", items=30, train_after_labels=3)
    return backend.catalog


def answer(catalog: Catalog, *items: int) -> None:
    inputs = [LabelInput(item_ids(30)[item], Label("cat"), "ann") for item in items]
    record_labels.record_labels(
        catalog, "p", inputs, None, known_items=lambda ids: [True] * len(ids)
    )


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
    train_when_due(catalog, "p")
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
    assert trainings(catalog) == ["auto-3-1", "auto-0-1"]


def test_abstentions_teach_nothing(catalog: Catalog) -> None:
    inputs = [LabelInput(item, Abstain(), "ann") for item in item_ids(5)]
    record_labels.record_labels(
        catalog, "p", inputs, None, known_items=lambda ids: [True] * len(ids)
    )
    assert not train_when_due(catalog, "p")


def test_a_pool_that_trains_on_request_only(backend: Backend, store_uri: str) -> None:
    seed_pool(backend.catalog, store_uri, "q", train_after_labels=0)
    assert not train_when_due(backend.catalog, "q")
