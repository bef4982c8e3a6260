"""What the processes of the catalog tests do."""

import sys
from datetime import timedelta
from itertools import count
from pathlib import Path

from poolscore.errors import AlreadyExistsError, FailedPreconditionError
from poolscore.labels.answer import Label, LabelInput
from poolscore.store.batches import release_batch
from poolscore.store.catalog import Catalog
from poolscore.store.leases import lease_batch
from poolscore.store.pools import get_pool, list_pools
from poolscore.store.rankings import get_ranking
from poolscore.store.record_labels import record_labels
from poolscore.store.records import Run, RunKind, RunState
from poolscore.store.run_queue import claim_run, finish_run, heartbeat
from poolscore.store.runs import list_runs
from tests.store_world import POOL, add_pool, load

HOUR = timedelta(hours=1)
Answered = tuple[str, int | None]
"""An item and the number of the event that holds its answer."""


def open_and_count(url: str) -> int:
    """Open, and perhaps create, the catalog; returns the number of pools."""
    return len(list_pools(Catalog.open(url))[0])


def create_same(url: str) -> bool:
    """Register a pool that others register too; returns whether this process was the first."""
    try:
        add_pool(Catalog(url))
    except AlreadyExistsError:
        return False
    return True


def lease_all(url: str, folder: Path, annotator: str, size: int) -> list[str]:
    """Lease until the ranking is exhausted; returns the items."""
    catalog = Catalog.open(url)
    ranking = load(folder, get_ranking(catalog, POOL, 1))
    items: list[str] = []
    while batch := lease_batch(catalog, POOL, size, annotator, HOUR, None, ranking).items:
        items += [leased.item_id for leased in batch]
    return items


def lease_same(url: str, folder: Path, request_id: str) -> list[str]:
    """Lease five items with a request id that others use too."""
    catalog = Catalog.open(url)
    ranking = load(folder, get_ranking(catalog, POOL, 1))
    batch = lease_batch(catalog, POOL, 5, "ann", HOUR, request_id, ranking)
    return [leased.item_id for leased in batch.items]


def lease_and_label_all(url: str, folder: Path, annotator: str, size: int) -> list[Answered]:
    """Lease and answer until the ranking is exhausted; returns what was acknowledged.

    Every request is sent twice, as by a client that lost the first answer, and every other batch
    is released with its last item not answered.
    """
    catalog = Catalog.open(url)
    ranking = load(folder, get_ranking(catalog, POOL, 1))
    answered: list[Answered] = []
    for turn in count():
        name = f"{annotator}-{turn}"
        batch, again = (
            lease_batch(catalog, POOL, size, annotator, HOUR, name, ranking) for _ in range(2)
        )
        assert batch == again
        if not batch.items:
            return answered
        kept = batch.items[: len(batch.items) - turn % 2]
        if kept:
            inputs = [LabelInput(i.item_id, Label("cat"), batch=batch.number) for i in kept]
            first, repeated = (record_labels(catalog, POOL, inputs, name) for _ in range(2))
            assert first == repeated
            answered += [
                (label.item_id, result.event) for label, result in zip(inputs, first, strict=True)
            ]
        release_batch(catalog, POOL, batch.number)
    raise AssertionError("never ends")


def claim_all(url: str, owner: str) -> list[tuple[str, int]]:
    """Claim and finish runs until none is left; returns them."""
    catalog = Catalog.open(url)
    done: list[tuple[str, int]] = []
    while any(run.state is RunState.PENDING for run in all_runs(catalog)):
        run = claim_run(catalog, [RunKind.TRAIN], owner)
        if run is not None:
            assert heartbeat(catalog, run, owner)
            finish_run(catalog, run, owner, RunState.SUCCEEDED)
            done.append((run.pool_id, run.number))
    return done


def all_runs(catalog: Catalog) -> list[Run]:
    """Every run of every pool."""
    return [run for pool in list_pools(catalog)[0] for run in list_runs(catalog, pool.pool_id)[0]]


def spend_all(url: str, folder: Path, annotator: str, size: int) -> int:
    """Lease and answer until the budget is spent; returns the number of answers."""
    catalog = Catalog.open(url)
    ranking = load(folder, get_ranking(catalog, POOL, 1))
    answered = 0
    while True:
        try:
            batch = lease_batch(catalog, POOL, size, annotator, HOUR, None, ranking)
        except FailedPreconditionError as error:
            if error.reason != "BUDGET_SPENT":
                raise
            return answered
        pool = get_pool(catalog, POOL)
        assert pool.spent + pool.counts.leased <= pool.budget
        inputs = [LabelInput(e.item_id, Label("cat"), batch=batch.number) for e in batch.items]
        assert all(result.accepted for result in record_labels(catalog, POOL, inputs, None))
        answered += len(inputs)


def label_forever(url: str, folder: Path) -> None:
    """Lease and answer, and print every answered item once it is acknowledged."""
    catalog = Catalog(url)
    ranking = load(folder, get_ranking(catalog, POOL, 1))
    while True:
        batch = lease_batch(catalog, POOL, 8, "ann", HOUR, None, ranking)
        for half in (batch.items[:4], batch.items[4:]):
            inputs = [
                LabelInput(leased.item_id, Label("cat"), batch=batch.number) for leased in half
            ]
            results = record_labels(catalog, POOL, inputs, inputs[0].item_id)
            for label, result in zip(inputs, results, strict=True):
                print(label.item_id, result.event, flush=True)


if __name__ == "__main__":
    label_forever(sys.argv[1], Path(sys.argv[2]))
