"""A process is killed in the middle of leasing and labelling; the catalog must hold together."""

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from poolscore.labels.answer import LabelInput, LabelResult
from poolscore.store import sql
from poolscore.store.catalog import Catalog
from poolscore.store.catalog_url import is_sqlite
from poolscore.store.label_events import effective_labels, list_label_events
from poolscore.store.record_labels import record_labels
from poolscore.store.records import LabelEvent
from tests.store_world import POOL, seed_ranking


def work_until_killed(root: Path, url: str, folder: Path, lines: int) -> list[tuple[str, int]]:
    """Kill a worker once it has acknowledged so many answers; returns all it acknowledged."""
    command = [sys.executable, "-m", "tests.integration.store.workers", url, str(folder)]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        printed = [process.stdout.readline() for _ in range(lines)]
        process.kill()
        printed += process.stdout.readlines()
    whole = [line.split() for line in printed if line.endswith("\n")]
    return [(name, int(event)) for name, event in whole]


def count(catalog: Catalog, query: str) -> object:
    with catalog.read() as connection:
        return connection.scalar(text(query))


def wait_for_the_dead(catalog: Catalog) -> None:
    """Let what the killed worker left be undone, and check the file that it wrote itself."""
    if is_sqlite(catalog.url):
        assert count(catalog, "PRAGMA integrity_check") == "ok"
        return
    with catalog.write() as connection:  # the server ends its transaction: committed or not
        sql.lock_pool(connection, POOL)


def test_what_was_acknowledged_is_there_and_nothing_is_half_done(
    pytestconfig: pytest.Config, catalog: Catalog, tmp_path: Path
) -> None:
    seed_ranking(catalog, tmp_path, 5000)
    acknowledged: list[tuple[str, int]] = []
    for lines in (1, 10, 33, 58):
        acknowledged += work_until_killed(pytestconfig.rootpath, catalog.url, tmp_path, lines)
        wait_for_the_dead(catalog)
        events = {(e.item_id, e.sequence) for e in all_events(catalog)}
        assert set(acknowledged) <= events
        # Four answers, their request and their effect are one transaction.
        requests = count(catalog, "SELECT count(*) FROM label_requests")
        assert isinstance(requests, int)
        assert len(events) == 4 * requests
        assert len(effective_labels(catalog, POOL)[0]) == len(events)
        # A batch, its items and its leases are one transaction; an answer closes its lease.
        batches = count(catalog, "SELECT count(*) FROM batches")
        assert isinstance(batches, int)
        assert count(catalog, "SELECT count(*) FROM batch_items") == 8 * batches
        assert count(catalog, "SELECT count(*) FROM item_leases") == 8 * batches - len(events)
    check_retry(catalog)


def check_retry(catalog: Catalog) -> None:
    """A client that saw no acknowledgement of the last request sends it again."""
    last = all_events(catalog)[-4:]
    inputs = [LabelInput(e.item_id, e.answer, batch=e.batch) for e in last if e.answer is not None]
    results = record_labels(catalog, POOL, inputs, last[0].item_id)
    assert results == [LabelResult(event.sequence) for event in last]
    assert all_events(catalog)[-4:] == last


def all_events(catalog: Catalog) -> list[LabelEvent]:
    events, token = list_label_events(catalog, POOL, 1000)
    while token:
        more, token = list_label_events(catalog, POOL, 1000, token)
        events += more
    return events
