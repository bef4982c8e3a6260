"""What the processes of the catalog tests do."""

import sys
from datetime import timedelta
from pathlib import Path

from poolscore.labels.answer import Label, LabelInput
from poolscore.store.catalog import Catalog
from poolscore.store.leases import lease_batch
from poolscore.store.pools import list_pools
from poolscore.store.rankings import get_ranking
from poolscore.store.record_labels import record_labels
from tests.store_world import POOL, load, open_catalog

HOUR = timedelta(hours=1)


def open_and_count(folder: Path) -> int:
    """Open, and perhaps create, the catalog; returns the number of pools."""
    return len(list_pools(open_catalog(folder))[0])


def lease_all(folder: Path, annotator: str, size: int) -> list[str]:
    """Lease until the ranking is exhausted; returns the items."""
    catalog = open_catalog(folder)
    ranking = load(folder, get_ranking(catalog, POOL, 1))
    items: list[str] = []
    while batch := lease_batch(catalog, POOL, size, annotator, HOUR, None, ranking).items:
        items += [leased.item_id for leased in batch]
    return items


def lease_same(folder: Path, request_id: str) -> list[str]:
    """Lease five items with a request id that others use too."""
    catalog = open_catalog(folder)
    ranking = load(folder, get_ranking(catalog, POOL, 1))
    batch = lease_batch(catalog, POOL, 5, "ann", HOUR, request_id, ranking)
    return [leased.item_id for leased in batch.items]


def label_forever(folder: Path) -> None:
    """Lease and answer, and print every answered item once it is acknowledged."""
    catalog = Catalog(f"sqlite:///{folder}/catalog.db")
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
    label_forever(Path(sys.argv[1]))
