from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from poolscore.labels.answer import Abstain, Candidates, Label, LabelInput
from poolscore.prompts.version_metrics import (
    CHANGED_PREDICTIONS,
    HELD_OUT,
    HELD_OUT_ACCURACY,
    HELD_OUT_CALIBRATION_ERROR,
)
from poolscore.store import files, prompt_versions, rankings, run_queue, runs
from poolscore.store.catalog import Catalog
from poolscore.store.change_pool import PoolChange, delete_pool, undelete_pool, update_pool
from poolscore.store.leases import lease_batch
from poolscore.store.ranking_file import read_ranking
from poolscore.store.record_labels import record_labels
from poolscore.store.records import Promotion, RunKind, RunProgress, RunState, utcnow
from poolscore.store.retract_label import retract_label
from services.exporter.collector import CatalogCollector
from services.exporter.metrics import EXPORTER_METRICS
from tests.databases import Databases
from tests.seeding import add_version, item_ids, seed_pool

POOL = "pets"
"""Of the classes cat, dog and owl; 20 images and an empty file."""
ITEMS = item_ids(20)
HOUR = timedelta(hours=1)

Shown = dict[str, dict[tuple[str, ...], float]]
"""By metric, the values by the values of labels other than the pool's."""


@pytest.fixture
def store_uri(tmp_path: Path) -> str:
    return str(tmp_path / "store")


@pytest.fixture
def seeded(catalog: Catalog, store_uri: str) -> Catalog:
    seed_pool(catalog, store_uri, POOL)
    return catalog


def page(catalog_url: str, store_uri: str) -> Callable[[], str]:
    registry = CollectorRegistry()
    registry.register(CatalogCollector(catalog_url, store_uri))
    return lambda: generate_latest(registry).decode()


@pytest.fixture
def scrape(catalog: Catalog, store_uri: str) -> Callable[[], Shown]:
    read = page(catalog.url, store_uri)

    def shown() -> Shown:
        found: Shown = {}
        for family in text_string_to_metric_families(read()):
            for sample in family.samples:
                assert sample.labels.pop("pool", POOL) == POOL
                found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
        return found

    return shown


def lease(catalog: Catalog, store_uri: str, size: int, duration: timedelta) -> None:
    ranking = rankings.get_ranking(catalog, POOL, 1)
    loaded = read_ranking(*files.open_store(store_uri), ranking)
    # As if it had been leased before; a lease takes an hour at least.
    lease_batch(catalog, POOL, size, "ann", HOUR, None, loaded, utcnow() - HOUR + duration)


def say(catalog: Catalog, *labels: LabelInput) -> None:
    results = record_labels(catalog, POOL, labels, None, known_items=lambda ids: [True] * len(ids))
    assert all(result.accepted for result in results)


def test_a_pool_that_is_embedded_and_nothing_more(
    seeded: Catalog, scrape: Callable[[], Shown]
) -> None:
    shown = scrape()
    assert shown["poolscore_catalog_up"] == {(): 1}
    assert 0 < shown["poolscore_catalog_read_duration_seconds"][()] < 10
    assert shown["poolscore_pool_images"] == {(): 21}
    assert shown["poolscore_pool_embedded_images"] == {(): 20}
    assert shown["poolscore_pool_rejected_images"] == {("EMPTY",): 1}
    assert shown["poolscore_pool_labels"] == {("label",): 0, ("candidates",): 0, ("abstain",): 0}
    assert shown["poolscore_pool_label_events_total"] == {(): 0}
    assert shown["poolscore_pool_classes"] == {(): 3}
    assert shown["poolscore_pool_class_coverage_ratio"] == {(): 0}
    assert shown["poolscore_pool_leased_images"] == {("open",): 0, ("expired",): 0}
    assert shown["poolscore_pool_active_prompt_version"] == {(): 0}
    assert shown["poolscore_pool_ranking_lag_seconds"] == {(): 0}
    done = shown["poolscore_pool_runs"]
    assert {key for key, count in done.items() if count} == {("embed", "succeeded")}
    assert len(done) == len(RunKind) * len(RunState)
    absent = {"budget_labels", "budget_left_labels", "last_training_outcome"}
    absent |= {"last_training_timestamp_seconds", "newest_label_timestamp_seconds"}
    absent |= {"run_items", "run_done_items", "run_updates", "changed_predictions_ratio"}
    absent |= {"judging_labels", "accuracy_ratio"}
    absent |= {"p_clean_auroc_ratio", "p_clean_calibration_error_ratio"}
    names = {metric.name for metric in EXPORTER_METRICS}
    assert shown.keys() == names - {f"poolscore_pool_{name}" for name in absent}


def test_labels_budget_and_leases(
    seeded: Catalog, store_uri: str, scrape: Callable[[], Shown]
) -> None:
    update_pool(seeded, POOL, PoolChange(budget=10))
    lease(seeded, store_uri, 3, timedelta(minutes=-40))
    shown = scrape()
    assert shown["poolscore_pool_leased_images"] == {("open",): 0, ("expired",): 3}
    assert _some(shown["poolscore_pool_batches"]) == {("expired",): 1}
    lease(seeded, store_uri, 2, timedelta(minutes=30))
    say(
        seeded,
        LabelInput(ITEMS[5], Label("cat"), "ann"),
        LabelInput(ITEMS[6], Candidates(("cat", "dog")), "ann"),
        LabelInput(ITEMS[7], Abstain("dark"), "ann"),
        LabelInput(ITEMS[8], Label("dog"), "ann"),
    )
    shown = scrape()
    assert shown["poolscore_pool_leased_images"] == {("open",): 2, ("expired",): 0}
    assert _some(shown["poolscore_pool_batches"]) == {("open",): 1, ("expired",): 1}
    assert shown["poolscore_pool_labels"] == {("label",): 2, ("candidates",): 1, ("abstain",): 1}
    assert shown["poolscore_pool_class_coverage_ratio"][()] == pytest.approx(2 / 3)
    assert shown["poolscore_pool_budget_labels"] == {(): 10}
    assert shown["poolscore_pool_spent_labels"] == {(): 4}
    assert shown["poolscore_pool_budget_left_labels"] == {(): 4}
    retract_label(seeded, POOL, ITEMS[8], "ann")
    say(seeded, LabelInput(ITEMS[5], Label("owl"), "ann"))
    shown = scrape()
    assert shown["poolscore_pool_label_events_total"] == {(): 6}
    assert shown["poolscore_pool_labels"] == {("label",): 1, ("candidates",): 1, ("abstain",): 1}
    assert shown["poolscore_pool_class_coverage_ratio"][()] == pytest.approx(1 / 3)


def test_what_the_active_prompts_and_ranking_do_not_know(
    seeded: Catalog, store_uri: str, scrape: Callable[[], Shown]
) -> None:
    say(seeded, *(LabelInput(item, Label("cat"), "ann") for item in ITEMS[:3]))
    shown = scrape()
    assert shown["poolscore_pool_untrained_label_events"] == {(): 3}
    newest = shown["poolscore_pool_newest_label_timestamp_seconds"][()]
    made = shown["poolscore_pool_ranking_timestamp_seconds"][()]
    assert shown["poolscore_pool_ranking_lag_seconds"][()] == pytest.approx(newest - made, abs=1e-5)
    assert newest > made
    add_version(seeded, store_uri, POOL, ITEMS, watermark=2)
    shown = scrape()
    assert shown["poolscore_pool_active_prompt_version"] == {(): 1}
    assert shown["poolscore_pool_untrained_label_events"] == {(): 1}
    assert shown["poolscore_pool_ranking_lag_seconds"] == {(): 0}


def test_how_the_last_training_ended(seeded: Catalog, scrape: Callable[[], Shown]) -> None:
    def train(state: RunState, promoted: bool | None = None) -> dict[tuple[str, ...], float]:
        run = run_queue.begin_run(seeded, POOL, RunKind.TRAIN, {"n": len(seen)}, "trainer")
        version = None
        if state is RunState.SUCCEEDED:
            judged = None if promoted is None else Promotion(promoted, "why", 0)
            version = prompt_versions.add_prompt_version(
                seeded, POOL, f"{run.number:064d}", "p", 0, 0, 0, {}, ("cat",), judged
            ).number
        run_queue.finish_run(seeded, run, "trainer", state, prompt_version=version)
        shown = scrape()
        seen.append(shown["poolscore_pool_last_training_timestamp_seconds"][()])
        return shown["poolscore_pool_last_training_outcome"]

    def only(outcome: str) -> dict[tuple[str, ...], float]:
        return {(each,): float(each == outcome) for each in ("promoted", "refused", "failed")}

    seen: list[float] = []
    assert train(RunState.FAILED) == only("failed")
    assert train(RunState.SUCCEEDED) == only("promoted")
    assert train(RunState.SUCCEEDED, promoted=False) == only("refused")
    assert train(RunState.CANCELLED) == only("refused")
    assert train(RunState.SUCCEEDED, promoted=True) == only("promoted")
    assert seen == sorted(seen)
    assert seen[2] == seen[3]
    done = scrape()["poolscore_pool_runs"]
    assert (done["train", "succeeded"], done["train", "failed"], done["train", "cancelled"]) == (
        3,
        1,
        1,
    )
    runs.start_run(seeded, POOL, RunKind.TRAIN, {"n": 9})
    assert scrape()["poolscore_pool_runs"]["train", "pending"] == 1


def _some(shown: dict[tuple[str, ...], float]) -> dict[tuple[str, ...], float]:
    return {labels: value for labels, value in shown.items() if value}


def test_how_far_running_runs_are(seeded: Catalog, scrape: Callable[[], Shown]) -> None:
    running = run_queue.begin_run(seeded, POOL, RunKind.EMBED, {"sources": ["s"]}, "worker")
    shown = scrape()
    assert shown["poolscore_pool_run_items"] == {("embed",): 0}
    before = shown["poolscore_pool_run_updates"]["embed",]
    run_queue.heartbeat(seeded, running, "worker", RunProgress(total=50, done=20))
    run_queue.begin_run(seeded, POOL, RunKind.TRAIN, {}, "trainer")
    shown = scrape()
    assert shown["poolscore_pool_run_items"] == {("embed",): 50, ("train",): 0}
    assert shown["poolscore_pool_run_done_items"] == {("embed",): 20, ("train",): 0}
    assert shown["poolscore_pool_run_updates"]["embed",] == before + 1
    run_queue.finish_run(seeded, running, "worker", RunState.SUCCEEDED)
    assert scrape()["poolscore_pool_run_items"] == {("train",): 0}


def test_what_held_out_labels_said_of_the_active_version(
    seeded: Catalog, store_uri: str, scrape: Callable[[], Shown]
) -> None:
    measured = {
        HELD_OUT: 30.0,
        HELD_OUT_ACCURACY: 0.9,
        HELD_OUT_CALIBRATION_ERROR: 0.25,
        CHANGED_PREDICTIONS: 0.125,
    }
    add_version(seeded, store_uri, POOL, ITEMS, metrics=measured)
    shown = scrape()
    assert shown["poolscore_pool_judging_labels"] == {("held_out",): 30}
    assert shown["poolscore_pool_accuracy_ratio"] == {("held_out",): 0.9}
    assert shown["poolscore_pool_p_clean_calibration_error_ratio"] == {("held_out",): 0.25}
    assert "poolscore_pool_p_clean_auroc_ratio" not in shown, "all were right"
    assert shown["poolscore_pool_changed_predictions_ratio"] == {(): 0.125}
    # One of which nothing was held out.
    add_version(seeded, store_uri, POOL, ITEMS, metrics={HELD_OUT: 0.0})
    shown = scrape()
    assert "poolscore_pool_judging_labels" not in shown
    assert "poolscore_pool_changed_predictions_ratio" not in shown


def test_what_answers_say_of_the_active_version(
    seeded: Catalog, store_uri: str, scrape: Callable[[], Shown]
) -> None:
    lease(seeded, store_uri, 4, timedelta(minutes=30))
    # Predicted are cat, dog, owl, cat, each with p_clean 0.75.
    said = zip(ITEMS[:4], ("cat", "dog", "cat", "cat"), strict=True)
    say(seeded, *(LabelInput(item, Label(name), "ann") for item, name in said))
    shown = scrape()
    assert shown["poolscore_pool_judging_labels"] == {("answered",): 4}
    assert shown["poolscore_pool_accuracy_ratio"] == {("answered",): 0.75}
    assert shown["poolscore_pool_p_clean_auroc_ratio"] == {("answered",): 0.5}
    error = shown["poolscore_pool_p_clean_calibration_error_ratio"]["answered",]
    assert error == pytest.approx(0.0)


def test_a_deleted_pool_is_absent(
    seeded: Catalog, store_uri: str, scrape: Callable[[], Shown]
) -> None:
    say(seeded, LabelInput(ITEMS[0], Label("cat"), "ann"))
    scrape()
    delete_pool(seeded, POOL)
    shown = scrape()
    assert shown.keys() == {"poolscore_catalog_up", "poolscore_catalog_read_duration_seconds"}
    undelete_pool(seeded, POOL)
    assert scrape()["poolscore_pool_labels"]["label",] == 1


def test_every_pool_has_its_own_numbers(catalog: Catalog, store_uri: str) -> None:
    seed_pool(catalog, store_uri, "one", items=1)
    seed_pool(catalog, store_uri, "two", items=2)
    read = page(catalog.url, store_uri)()
    assert 'poolscore_pool_embedded_images{pool="one"} 1.0' in read
    assert 'poolscore_pool_embedded_images{pool="two"} 2.0' in read


def test_rejects_without_their_manifest(catalog: Catalog, store_uri: str, tmp_path: Path) -> None:
    seed_pool(catalog, store_uri, POOL)
    (tmp_path / "store").rename(tmp_path / "away")
    read = page(catalog.url, store_uri)
    line = 'poolscore_pool_rejected_images{{pool="pets",reason="{}"}} 1.0'
    assert line.format("UNKNOWN") in read()
    (tmp_path / "away").rename(tmp_path / "store")
    assert line.format("EMPTY") in read()


def test_a_catalog_that_is_away_is_a_page_that_says_so(
    databases: Databases, migrated: str, store_uri: str
) -> None:
    url = databases.copy(migrated)
    assert "poolscore_catalog_up 1.0" in page(url, store_uri)()
    databases.drop(url)
    away = page(url, store_uri)()
    assert "poolscore_catalog_up 0.0" in away
    assert "read_duration" not in away


def test_a_catalog_without_tables_is_as_good_as_none(databases: Databases, store_uri: str) -> None:
    url = databases.new()
    assert "poolscore_catalog_up 0.0" in page(url, store_uri)()
    databases.drop(url)
