"""A load of annotators: `python -m bench.lease_load ADDRESS POOL SECONDS FILE`.

Each client leases a small batch, answers every item of it half a period later, and begins again.
The clients share a fixed timetable: a slow answer does not make the next call later, and a call
that could not start in time counts from when it should have.
"""

import asyncio
import json
import sys
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import grpc
import grpc.aio

from poolscore.v1 import label_service_pb2 as label_pb
from poolscore.v1 import query_service_pb2 as query_pb
from poolscore.v1.label_service_pb2_grpc import LabelServiceStub
from poolscore.v1.query_service_pb2_grpc import QueryServiceStub

CLIENTS, LEASES_PER_S, ITEMS = 64, 100, 3
_PERIOD_S = CLIENTS / LEASES_PER_S
_DEADLINE_S = 10.0


@dataclass
class Calls:
    """What the clients have seen."""

    begun: float
    lease: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    """Second it was due, and how many seconds it took."""
    label: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    errors: list[str] = field(default_factory=list[str])
    leased: int = 0
    acknowledged: int = 0
    items: list[str] = field(default_factory=list[str])
    """Names of the items leased."""


async def load(address: str, pool: str, seconds: float) -> Calls:
    """Run the timetable for so many seconds."""
    calls = Calls(perf_counter() + 0.5)
    await asyncio.gather(*(_client(n, address, pool, seconds, calls) for n in range(CLIENTS)))
    return calls


async def _client(number: int, address: str, pool: str, seconds: float, calls: Calls) -> None:
    # A connection of its own, as clients on different machines have.
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0)]
    parent, annotator = f"pools/{pool}", f"annotator-{number}"
    async with grpc.aio.insecure_channel(address, options=options) as channel:
        await channel.channel_ready()
        queries, labels = QueryServiceStub(channel), LabelServiceStub(channel)
        due = calls.begun + number / LEASES_PER_S
        while due < calls.begun + seconds:
            leasing = query_pb.LeaseBatchRequest(
                parent=parent, size=ITEMS, annotator=annotator, request_id=uuid.uuid4().hex
            )
            leased = await _timed(queries.LeaseBatch, leasing, due, calls, calls.lease)
            if leased is not None:
                calls.leased += 1
                calls.items += [item.name for item in leased.batch.items]
                answering = label_pb.SubmitLabelsRequest(
                    parent=parent,
                    labels=[_answer(leased.batch, item) for item in leased.batch.items],
                    request_id=uuid.uuid4().hex,
                )
                middle = due + _PERIOD_S / 2
                said = await _timed(labels.SubmitLabels, answering, middle, calls, calls.label)
                calls.acknowledged += 0 if said is None else said.accepted
            due += _PERIOD_S


async def _timed(
    method: Callable[..., Awaitable[Any]],
    request: Any,
    due: float,
    calls: Calls,
    times: list[tuple[float, float]],
) -> Any:
    await asyncio.sleep(due - perf_counter())
    try:
        response = await method(request, timeout=_DEADLINE_S)
    except grpc.aio.AioRpcError as error:
        calls.errors.append(f"{error.code().name}: {error.details()}")
        return None
    times.append((due - calls.begun, perf_counter() - due))
    return response


def _answer(batch: query_pb.Batch, item: query_pb.RankedItem) -> label_pb.LabelInput:
    answer = label_pb.Answer(label=item.prediction.label)
    return label_pb.LabelInput(
        item=item.name, answer=answer, annotator=batch.annotator, batch=batch.name
    )


if __name__ == "__main__":
    _calls = asyncio.run(load(sys.argv[1], sys.argv[2], float(sys.argv[3])))
    _seen = {key: value for key, value in vars(_calls).items() if key != "begun"}
    Path(sys.argv[4]).write_text(json.dumps(_seen))
