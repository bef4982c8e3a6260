"""What a person on call has: log lines, request ids, metrics of processes and of pools."""

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest

from poolscore.client import Client
from poolscore.errors import NotFoundError, PoolscoreError
from poolscore.v1 import label_service_pb2 as label_pb
from poolscore.v1 import pool_service_pb2 as pool_pb
from poolscore.v1 import pool_service_pb2_grpc as pool_grpc
from poolscore.v1 import query_service_pb2 as query_pb
from poolscore.v1 import query_service_pb2_grpc as query_grpc
from tests.integration.services.metric_pages import reported, scrape
from tests.integration.services.running import Running

Wanted = Callable[[dict[str, Any]], bool]


def lines(service: Running) -> Iterator[dict[str, Any]]:
    """What the service's processes have logged; lines of others' are passed over."""
    for file in service.log_folder.glob("worker-*.err"):
        for line in file.read_text().splitlines():
            if line.startswith('{"time":'):
                yield json.loads(line)


def logged(service: Running, wanted: Wanted) -> dict[str, Any]:
    """Wait for a line: it is written beside the answer that the caller has seen."""
    for _ in range(100):
        for line in lines(service):
            if wanted(line):
                return line
        threading.Event().wait(0.1)
    raise AssertionError("there is no such line")


def test_every_answer_names_the_call(channel: grpc.Channel, new_pool: Callable[..., str]) -> None:
    def told(call: Any) -> str:
        return dict(call.trailing_metadata())["x-request-id"]

    pools, queries = pool_grpc.PoolServiceStub(channel), query_grpc.QueryServiceStub(channel)
    pool = new_pool()
    request = pool_pb.GetPoolRequest(name=f"pools/{pool}")
    _, call = pools.GetPool.with_call(request, timeout=60)
    assert len(told(call)) == 32
    mine = (("x-request-id", "mine"),)
    _, call = pools.GetPool.with_call(request, timeout=60, metadata=mine)
    assert told(call) == "mine"
    lease = query_pb.LeaseBatchRequest(
        parent=f"pools/{pool}", size=1, annotator="ann", request_id="lease-1"
    )
    _, call = queries.LeaseBatch.with_call(lease, timeout=60, metadata=mine)
    assert told(call) == "lease-1"
    stream = queries.StreamRanking(
        query_pb.StreamRankingRequest(name=f"pools/{pool}/rankings/-"), timeout=60, metadata=mine
    )
    assert len(list(stream)) == 1
    assert told(stream) == "mine"
    with pytest.raises(grpc.RpcError) as caught:
        pools.GetPool(pool_pb.GetPoolRequest(name="pools/gone"), timeout=60, metadata=mine)
    assert told(caught.value) == "mine"
    gone = query_pb.StreamRankingRequest(name="pools/gone/rankings/1")
    with pytest.raises(grpc.RpcError) as caught:
        next(queries.StreamRanking(gone, timeout=60, metadata=mine))
    assert told(caught.value) == "mine"


def test_a_refused_call_is_a_line(client: Client, service: Running) -> None:
    with pytest.raises(NotFoundError):
        client.get_pool("never-made")
    line = logged(service, lambda line: line.get("pool") == "never-made")
    assert (line["level"], line["event"], line["method"]) == ("info", "call ended", "GetPool")
    assert (line["code"], line["reason"]) == ("NOT_FOUND", "POOL_NOT_FOUND")
    assert len(line["request_id"]) == 32
    assert 0 < line["duration_s"] < 60


def test_an_incident_leads_to_the_call(client: Client, service: Running, broken_pool: str) -> None:
    with pytest.raises(PoolscoreError) as caught:
        client.get_pool(broken_pool)
    incident = caught.value.metadata["incident"]
    line = logged(service, lambda line: line.get("incident") == incident)
    assert (line["level"], line["method"], line["pool"]) == ("error", "GetPool", broken_pool)
    assert line["exception"].startswith("TypeError: ")
    assert "services.api.pools:" in line["exception"]
    assert "/" not in line["exception"], "a path of the installation"
    request_id = line["request_id"]
    end = logged(
        service,
        lambda line: line["event"] == "call ended" and line.get("request_id") == request_id,
    )
    assert (end["level"], end["code"]) == ("warning", "INTERNAL")


def test_a_run_is_two_lines(client: Client, service: Running, new_pool: Callable[..., str]) -> None:
    pool = new_pool()
    run = client.rescore(pool)
    assert list(client.watch_run(run.name))
    begin = logged(service, lambda line: line.get("pool") == pool and line["event"] == "run begins")
    assert (begin["run"], begin["kind"], begin["attempt"]) == (2, "rescore", 1)
    end = logged(service, lambda line: line.get("pool") == pool and line["event"] == "run ended")
    # Seeded prompts have no artefact.
    assert (end["level"], end["run"], end["state"]) == ("warning", 2, "failed")
    incident = end["error"].rpartition(" ")[2]
    line = logged(service, lambda line: line.get("incident") == incident)
    assert "prompts/p" in line["event"]


def test_metrics_of_processes(
    client: Client, service: Running, new_pool: Callable[..., str]
) -> None:
    pool, before = new_pool(), scrape(service.process_metrics)
    batch = client.lease(pool, 3, "ann")
    for item in batch.items[:2]:
        answer = label_pb.Answer(label="cat" if item is batch.items[0] else "unicorn")
        client.submit_labels(
            pool, [label_pb.LabelInput(item=item.name, batch=batch.name, answer=answer)]
        )
    with pytest.raises(NotFoundError):
        client.get_pool("gone")
    assert list(client.watch_run(client.rescore(pool).name))
    least = {
        "ray_poolscore_rpcs_total{code=OK, method=LeaseBatch}": 1,
        "ray_poolscore_rpcs_total{code=NOT_FOUND, method=GetPool}": 1,
        "ray_poolscore_rpcs_total{code=OK, method=SubmitLabels}": 2,
        "ray_poolscore_rpc_duration_seconds_count{method=LeaseBatch}": 1,
        "ray_poolscore_leases_total": 1,
        "ray_poolscore_leased_items_total": 3,
        "ray_poolscore_labels_total{kind=label, result=accepted}": 1,
        "ray_poolscore_labels_total{kind=label, result=refused}": 1,
        "ray_poolscore_runs_total{kind=rescore, state=failed}": 1,
        "ray_poolscore_run_duration_seconds_count{kind=rescore}": 1,
    }
    page = reported(service.process_metrics, least, before)
    assert page["ray_poolscore_rpcs_in_flight"] >= 0


def test_metrics_of_pools(client: Client, service: Running, new_pool: Callable[..., str]) -> None:
    pool = new_pool()
    client.lease(pool, 3, "ann")
    shown = scrape(service.pool_metrics)
    assert shown["poolscore_catalog_up"] == 1
    assert shown[f"poolscore_pool_embedded_images{{pool={pool}}}"] == 20
    assert shown[f"poolscore_pool_leased_images{{pool={pool}, state=open}}"] == 3
    assert shown[f"poolscore_pool_rejected_images{{pool={pool}, reason=EMPTY}}"] == 1
