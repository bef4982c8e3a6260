"""A little of everything that people do with a service."""

from datetime import timedelta
from pathlib import Path

import grpc
import pytest

from poolscore.client import Client
from poolscore.errors import NotFoundError
from poolscore.v1 import label_service_pb2 as label_pb
from poolscore.v1 import pool_service_pb2 as pool_pb
from poolscore.v1 import pool_service_pb2_grpc as pool_grpc
from poolscore.v1 import query_service_pb2 as query_pb
from poolscore.v1 import run_service_pb2 as run_pb
from tests.photographs import CLASSES, write_photographs

POOL = "watched"
IMAGES = 900
"""So many that embedding is seen while it goes on."""


def work(client: Client, address: str, folder: Path) -> None:
    """Embed, lease, label, train and re-score; and be refused, limited and late."""
    write_photographs(folder, IMAGES)
    (folder / "broken.jpg").write_bytes(b"not an image")
    client.create_pool(POOL, pool_pb.Pool(classes=CLASSES, budget=pool_pb.Budget(labels=100)))
    _ended(client, client.embed(POOL, str(folder)))
    _ended(client, client.rescore(POOL))
    # Nobody answers these in time.
    client.lease(POOL, 2, "late", duration=timedelta(seconds=1))
    _label_by_name(client, client.lease(POOL, 24, "ann"))
    _ended(client, client.train(POOL))
    _agree_with_every_second(client, client.lease(POOL, 8, "ann"))
    # So long after the first one that a rate can be told.
    _ended(client, client.rescore(POOL))
    with pytest.raises(NotFoundError):
        client.get_pool("gone")
    _ask_too_often(address)


def _ended(client: Client, run: run_pb.Run) -> None:
    *_, last = client.watch_run(run.name)
    assert last.state == run_pb.RUN_STATE_SUCCEEDED, last.error


def _label_by_name(client: Client, batch: query_pb.Batch) -> None:
    """Answer by the class in the file's name, and once with a class that there is not."""
    names = [item.uri.rpartition("/")[2].partition("-")[0] for item in batch.items]
    names[0] = "unicorn"
    given = [
        label_pb.LabelInput(
            item=item.name, batch=batch.name, annotator="ann", answer=label_pb.Answer(label=name)
        )
        for item, name in zip(batch.items, names, strict=True)
    ]
    assert client.submit_labels(POOL, given).accepted == len(given) - 1


def _agree_with_every_second(client: Client, batch: query_pb.Batch) -> None:
    """So that predictions are right and wrong, whatever they are."""
    given: list[label_pb.LabelInput] = []
    for place, item in enumerate(batch.items):
        predicted = item.prediction.label
        other = next(name for name in CLASSES if name != predicted)
        answer = label_pb.Answer(label=other if place % 2 else predicted)
        given.append(
            label_pb.LabelInput(item=item.name, batch=batch.name, annotator="ann", answer=answer)
        )
    assert client.submit_labels(POOL, given).accepted == len(given)


def _ask_too_often(address: str) -> None:
    with grpc.insecure_channel(address) as channel:
        ask = pool_grpc.PoolServiceStub(channel).GetPool
        request = pool_pb.GetPoolRequest(name=f"pools/{POOL}")
        calls = [ask.future(request, timeout=60) for _ in range(200)]
        codes = {call.code() for call in calls}
    assert codes == {grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED}
