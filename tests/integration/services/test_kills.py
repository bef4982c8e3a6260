"""The API and the trainer are killed at random moments while annotators lease and label.

`POOLSCORE_SERVICE_KILLS` says how often, 6 times by default.
"""

import os
import random
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest

from poolscore.client import Client
from poolscore.store.prompt_versions import list_prompt_versions
from poolscore.store.rankings import get_ranking
from poolscore.v1 import pool_service_pb2 as pool_pb
from poolscore.v1 import run_service_pb2 as run_pb
from services.readiness import wait_until_serving
from tests.integration.services.annotating import Annotator, Counter
from tests.integration.services.running import Running, kill_actor
from tests.photographs import CLASSES, write_photographs

KILLS = int(os.environ.get("POOLSCORE_SERVICE_KILLS", "6"))
POOL = "killed"
ACTORS = ("ServeReplica", "Trainer")


@pytest.mark.timeout(7200)
def test_what_was_acknowledged_survives(service: Running, client: Client, tmp_path: Path) -> None:
    write_photographs(tmp_path, 40)
    client.create_pool(POOL, pool_pb.Pool(classes=CLASSES, train_after_labels=5))
    ended(client, client.embed(POOL, str(tmp_path)))
    acknowledged, stop = Counter(), threading.Event()
    annotators = [
        Annotator(service.address, POOL, name, acknowledged, stop) for name in ("ann", "bob", "cem")
    ]
    with ThreadPoolExecutor() as threads:
        working = [threads.submit(annotator.work) for annotator in annotators]
        try:
            for number in range(KILLS):
                acknowledged.wait_for(random.randint(10, 100))
                kill(service, ACTORS[number % 2], acknowledged)
            acknowledged.wait_for(30)
        finally:
            stop.set()
        for each in working:
            each.result()
    wait_until_serving(service.address)
    check_acknowledged(client, annotators)
    check_leases(annotators)
    check_trainings(client, service)


def kill(service: Running, actor: str, acknowledged: Counter) -> None:
    """Kill the actor, once it has come back from the last time."""
    while True:
        try:
            kill_actor(service.process, actor)
        except AssertionError:  # it is being restarted
            acknowledged.wait_for(5)
        else:
            return


def ended(client: Client, run: run_pb.Run) -> run_pb.Run:
    *_, last = client.watch_run(run.name)
    assert last.state == run_pb.RUN_STATE_SUCCEEDED, last.error
    return last


def check_acknowledged(client: Client, annotators: Sequence[Annotator]) -> None:
    """Every request was answered at last: what they hold is all there is, and no more."""
    events = {event.name: event.item for event in client.list_label_events(POOL)}
    told = [each for annotator in annotators for each in annotator.events.items()]
    assert len(told) == len(dict(told))
    assert dict(told) == events
    batches = [name for annotator in annotators for name in annotator.batches]
    numbers = sorted(int(name.rpartition("/")[2]) for name in batches)
    assert numbers == list(range(1, len(numbers) + 1))
    pool = client.get_pool(POOL)
    assert pool.counts.answered == pool.budget.spent


def check_leases(annotators: Sequence[Annotator]) -> None:
    """Nobody was given what somebody else held."""
    held = [each for annotator in annotators for each in annotator.held]
    for item in {name for name, _, _ in held}:
        spans = sorted((since, until) for name, since, until in held if name == item)
        assert all(one[1] <= other[0] for one, other in pairwise(spans)), item


def check_trainings(client: Client, service: Running) -> None:
    """Every training has come to its end, with one version of its own and of its watermark."""
    for run in client.list_runs(POOL, limit=100):
        ended(client, run)
    runs = [run for run in client.list_runs(POOL, limit=100) if run.spec.HasField("train")]
    versions = [each for each in list_prompt_versions(service.catalog, POOL)[0] if each.number]
    assert sorted(run.prompt_version for run in runs) == sorted(
        f"pools/{POOL}/promptVersions/{each.number}" for each in versions
    )
    watermarks = [each.label_watermark for each in versions]
    assert len(watermarks) == len(set(watermarks))
    pool = client.get_pool(POOL)
    ranking = get_ranking(service.catalog, POOL, int(pool.active_ranking.rpartition("/")[2]))
    assert pool.active_prompt_version.endswith(f"/{ranking.prompt_version}")
