from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from poolscore.encoder.spec import EncoderSpec
from poolscore.errors import (
    AbortedError,
    AlreadyExistsError,
    FailedPreconditionError,
    InvalidInputError,
    NotFoundError,
    PoolscoreError,
)
from poolscore.labels.answer import Candidates, Label, LabelInput
from poolscore.store.catalog import Catalog
from poolscore.store.change_pool import PoolChange, delete_pool, undelete_pool, update_pool
from poolscore.store.label_events import list_label_events
from poolscore.store.leases import lease_batch
from poolscore.store.pools import create_pool, get_pool, list_pools
from poolscore.store.prompt_versions import add_prompt_version, get_prompt_version
from poolscore.store.ranking_file import LoadedRanking
from poolscore.store.rankings import activate
from poolscore.store.record_labels import record_labels
from poolscore.store.records import RunKind, RunState
from poolscore.store.retract_label import retract_label
from poolscore.store.run_queue import claim_run, heartbeat
from poolscore.store.runs import get_run, list_runs, start_run
from tests.store_world import CLASSES, POOL, add_pool, item

MORE = (*CLASSES, "fish")


def change(catalog: Catalog, classes: Sequence[str]) -> int | None:
    """Give the pool these classes; returns the number of the run that ranks by them."""
    run = update_pool(catalog, POOL, PoolChange(classes=classes))[1]
    return run and run.number


def answer(catalog: Catalog, row: int, *names: str, annotator: str = "ann") -> str:
    """Record an answer; returns why it was refused."""
    said = Label(names[0]) if len(names) == 1 else Candidates(names)
    inputs = [LabelInput(item(row), said, annotator)]
    known = record_labels(catalog, POOL, inputs, None, known_items=lambda ids: [True] * len(ids))
    return known[0].reason


def reason_of(error: pytest.ExceptionInfo[PoolscoreError]) -> str:
    return error.value.reason


def test_what_is_given_changes_and_the_rest_stays(catalog: Catalog) -> None:
    before = add_pool(catalog)
    new = PoolChange(display_name="Pets", strategy="entropy", train_after_labels=5, budget=70)
    after, run = update_pool(catalog, POOL, new, before.etag)
    assert after == get_pool(catalog, POOL)
    assert run is None
    assert (after.display_name, after.strategy) == ("Pets", "entropy")
    assert (after.train_after_labels, after.budget) == (5, 70)
    assert (after.classes, after.template, after.encoder) == (
        before.classes,
        before.template,
        before.encoder,
    )
    assert after.etag != before.etag
    assert after.update_time > before.update_time
    back, _ = update_pool(catalog, POOL, PoolChange(display_name="", strategy=""))
    assert (back.display_name, back.strategy, back.budget) == ("", "coverage", 70)


def test_a_stale_etag_changes_nothing(catalog: Catalog) -> None:
    before = add_pool(catalog)
    newer, _ = update_pool(catalog, POOL, PoolChange(budget=1), before.etag)
    for act in (
        lambda: update_pool(catalog, POOL, PoolChange(budget=2), before.etag),
        lambda: delete_pool(catalog, POOL, before.etag),
    ):
        with pytest.raises(AbortedError) as caught:
            act()
        assert (caught.value.reason, caught.value.metadata["etag"]) == ("ETAG_MISMATCH", newer.etag)
    assert get_pool(catalog, POOL) == newer


def test_of_several_updates_with_one_etag_one_wins(catalog: Catalog) -> None:
    etag = add_pool(catalog).etag

    def attempt(budget: int) -> int:
        try:
            return update_pool(catalog, POOL, PoolChange(budget=budget), etag)[0].budget
        except AbortedError:
            return 0

    with ThreadPoolExecutor(4) as threads:
        won = [budget for budget in threads.map(attempt, range(1, 9)) if budget]
    assert won == [get_pool(catalog, POOL).budget]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (PoolChange(strategy="oracle"), "UNKNOWN_STRATEGY"),
        (PoolChange(train_after_labels=-1), "INVALID_TRAIN_AFTER_LABELS"),
        (PoolChange(budget=-1), "INVALID_BUDGET"),
        (PoolChange(classes=["cat"]), "INVALID_CLASSES"),
        (PoolChange(classes=["dog", "cat", "bird"]), "CLASSES_REORDERED"),
        (PoolChange(classes=["fish", "cat", "dog", "bird"]), "CLASSES_REORDERED"),
    ],
)
def test_bad_values(catalog: Catalog, change: PoolChange, reason: str) -> None:
    before = add_pool(catalog)
    with pytest.raises(InvalidInputError) as caught:
        update_pool(catalog, POOL, change)
    assert caught.value.reason == reason
    assert get_pool(catalog, POOL) == before


def test_a_new_class_can_be_named_at_once(catalog: Catalog) -> None:
    add_pool(catalog)
    assert answer(catalog, 0, "fish") == "UNKNOWN_CLASS"
    assert change(catalog, MORE) is None  # nothing is embedded, so nothing is ranked
    assert answer(catalog, 0, "fish") == ""
    assert get_pool(catalog, POOL).classes == MORE


def test_a_class_in_use_stays(catalog: Catalog) -> None:
    add_pool(catalog)
    for row, names in ((0, ["dog"]), (1, ["cat", "dog"]), (2, ["bird"])):
        assert answer(catalog, row, *names) == ""
    # In force as well, though the newer answer is the effective one.
    assert answer(catalog, 2, "dog", annotator="bob") == answer(catalog, 2, "cat") == ""
    with pytest.raises(FailedPreconditionError, match=r"3 answers in .*'dog'") as caught:
        change(catalog, ["cat", "bird"])
    assert reason_of(caught) == "CLASS_IN_USE"
    assert answer(catalog, 0, "cat") == answer(catalog, 1, "cat") == ""
    retract_label(catalog, POOL, item(2), "bob")
    change(catalog, ["cat", "bird"])
    assert get_pool(catalog, POOL).classes == ("cat", "bird")
    assert answer(catalog, 3, "dog") == "UNKNOWN_CLASS"


def test_new_classes_of_an_embedded_pool_queue_one_run(
    catalog: Catalog, ranking: LoadedRanking
) -> None:
    first = change(catalog, MORE)
    assert first is not None
    assert (get_run(catalog, POOL, first).kind, get_run(catalog, POOL, first).spec) == (
        RunKind.RESCORE,
        {},
    )
    assert change(catalog, CLASSES) == first  # it waits, and will read the classes when it begins
    assert claim_run(catalog, [RunKind.RESCORE], "w") is not None
    second = change(catalog, MORE)
    assert second not in (None, first)
    assert change(catalog, MORE) is None  # nothing changed
    assert len(list_runs(catalog, POOL)[0]) == 2


def test_versions_keep_the_classes_they_were_made_for(
    catalog: Catalog, ranking: LoadedRanking
) -> None:
    change(catalog, MORE)
    new = add_prompt_version(catalog, POOL, "c", "c", 1, 1, 0, {})
    assert get_prompt_version(catalog, POOL, 0).classes == CLASSES
    assert new.classes == get_prompt_version(catalog, POOL, 1).classes == MORE
    before = get_pool(catalog, POOL)
    with pytest.raises(FailedPreconditionError) as caught:
        activate(catalog, POOL, 1, 0, ranking.record.number)
    assert reason_of(caught) == "CLASSES_DIFFER"
    assert get_pool(catalog, POOL) == before
    change(catalog, CLASSES)
    activate(catalog, POOL, 1, 0, ranking.record.number)


def test_leases_come_from_the_old_ranking_meanwhile(
    catalog: Catalog, ranking: LoadedRanking
) -> None:
    change(catalog, MORE)
    batch = lease_batch(catalog, POOL, 2, "ann", timedelta(hours=1), None, ranking)
    assert (len(batch.items), batch.prompt_version) == (2, 0)


def test_a_deleted_pool_is_hidden_from_everything(catalog: Catalog, ranking: LoadedRanking) -> None:
    before = get_pool(catalog, POOL)
    gone = delete_pool(catalog, POOL, before.etag)
    assert gone.delete_time is not None
    assert gone == get_pool(catalog, POOL, also_deleted=True)
    hour = timedelta(hours=1)
    for act in (
        lambda: get_pool(catalog, POOL),
        lambda: update_pool(catalog, POOL, PoolChange(budget=1)),
        lambda: delete_pool(catalog, POOL),
        lambda: lease_batch(catalog, POOL, 1, "ann", hour, None, ranking),
        lambda: answer(catalog, 0, "cat"),
        lambda: list_label_events(catalog, POOL),
        lambda: start_run(catalog, POOL, RunKind.TRAIN, {}),
        lambda: list_runs(catalog, POOL),
        lambda: activate(catalog, POOL, 1, 0, 1),
    ):
        with pytest.raises(NotFoundError, match="poolscore pool undelete pets") as caught:
            act()
        assert caught.value.reason == "POOL_DELETED"
    assert list_pools(catalog) == ([], "")
    assert list_pools(catalog, show_deleted=True) == ([gone], "")
    with pytest.raises(AlreadyExistsError, match="undelete") as taken:
        create_pool(catalog, POOL, CLASSES, "", EncoderSpec(), "d" * 64, "", 0)
    assert taken.value.reason == "POOL_EXISTS"


def test_an_undeleted_pool_is_as_it_was(catalog: Catalog, ranking: LoadedRanking) -> None:
    answer(catalog, 0, "cat")
    before = get_pool(catalog, POOL)
    delete_pool(catalog, POOL)
    after = undelete_pool(catalog, POOL)
    changed = {"etag": after.etag, "update_time": after.update_time}
    assert vars(after) == vars(before) | changed
    assert after.etag != before.etag
    with pytest.raises(AlreadyExistsError) as caught:
        undelete_pool(catalog, POOL)
    assert caught.value.reason == "POOL_NOT_DELETED"
    with pytest.raises(NotFoundError):
        undelete_pool(catalog, "none")


def test_runs_of_a_deleted_pool_wait_or_stop(catalog: Catalog) -> None:
    add_pool(catalog)
    kinds = [RunKind.TRAIN, RunKind.RESCORE]
    start_run(catalog, POOL, RunKind.TRAIN, {})
    runs = claim_run(catalog, kinds, "w")
    assert runs is not None
    start_run(catalog, POOL, RunKind.RESCORE, {})
    delete_pool(catalog, POOL)
    assert not heartbeat(catalog, runs, "w")
    assert claim_run(catalog, kinds, "v") is None
    undelete_pool(catalog, POOL)
    waited = claim_run(catalog, kinds, "v")
    assert waited is not None
    assert (waited.kind, waited.state) == (RunKind.RESCORE, RunState.RUNNING)
