"""A service that asks for tokens."""

import shutil
import tempfile
import time
from collections.abc import Callable, Generator
from datetime import timedelta
from pathlib import Path
from queue import SimpleQueue

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from poolscore.access.caller import Role
from poolscore.client import Client
from poolscore.errors import PermissionDeniedError, UnauthenticatedError
from poolscore.store.api_tokens import issue_token, revoke_token
from poolscore.v1 import label_service_pb2 as label_pb
from poolscore.v1 import pool_service_pb2 as pool_pb
from poolscore.v1 import run_service_pb2 as run_pb
from poolscore.v1.label_service_pb2_grpc import LabelServiceStub
from tests.databases import Databases
from tests.integration.services.running import Running, launch, started, stop
from tests.photographs import CLASSES, write_photographs
from tests.seeding import item_ids, seed_pool

RATE = 50
OURS, THEIRS = "ours", "theirs"


@pytest.fixture(scope="module")
def guarded(databases: Databases) -> Generator[Running]:
    """A service with tokens, and two pools of the same images."""
    home, catalog_url = Path(tempfile.mkdtemp(prefix="poolscore-")), databases.new()
    settings = {
        "POOLSCORE_TOKENS": "always",
        "POOLSCORE_CALL_RATE": str(RATE),
        "POOLSCORE_SOURCE_ROOTS": str(home / "allowed"),
    }
    process = launch(home, "127.0.0.1:0", catalog_url, **settings)
    try:
        running = started(process, home, catalog_url)
        for pool in (OURS, THEIRS):
            seed_pool(running.catalog, running.store_uri, pool)
        yield running
        running.catalog.close()
        code, output = stop(process)
        assert code == 0, output
        assert "ps_" not in output
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(home, ignore_errors=True)
        databases.drop(catalog_url)


As = Callable[..., Client]


@pytest.fixture
def acting(guarded: Running) -> Generator[As]:
    """A client with a token of a role and some pools; with a text in place of the role, that."""
    clients: list[Client] = []

    def client(role: Role | str, *pools: str) -> Client:
        if isinstance(role, Role):
            token, _ = issue_token(guarded.catalog, f"a {role}", role, pools or None)
            role = token.text
        clients.append(Client(guarded.address, token=role))
        return clients[-1]

    yield client
    for each in clients:
        each.close()


def test_no_token_a_wrong_one_and_one_that_has_expired(guarded: Running, acting: As) -> None:
    with pytest.raises(UnauthenticatedError) as missing:
        acting("").get_pool(OURS)
    assert missing.value.reason == "TOKEN_MISSING"
    brief, _ = issue_token(guarded.catalog, "eve", Role.ADMIN, None, timedelta(microseconds=1))
    for token in ("nonsense", f"ps_{'0' * 12}_{'s' * 43}", brief.text):
        with pytest.raises(UnauthenticatedError) as wrong:
            acting(token).get_pool(OURS)
        assert wrong.value.reason == "TOKEN_INVALID"


def test_a_role_may_do_so_much(acting: As) -> None:
    reader, annotator = acting(Role.READER), acting(Role.ANNOTATOR)
    assert reader.get_pool(OURS).name == f"pools/{OURS}"
    with pytest.raises(PermissionDeniedError) as error:
        reader.lease(OURS, 1, "ann")
    assert error.value.reason == "ROLE_TOO_LOW"
    assert len(annotator.lease(OURS, 1, "ann").items) == 1
    with pytest.raises(PermissionDeniedError):
        annotator.train(OURS)


def test_a_token_is_for_its_pools(acting: As) -> None:
    operator = acting(Role.OPERATOR, OURS)
    operator.get_pool(OURS)
    assert [pool.name for pool in operator.list_pools()] == [f"pools/{OURS}"]
    assert len(list(acting(Role.READER).list_pools())) == 2
    for pool in (THEIRS, "nowhere"):
        with pytest.raises(PermissionDeniedError) as error:
            operator.get_pool(pool)
        assert error.value.reason == "POOL_NOT_ALLOWED"
    with pytest.raises(PermissionDeniedError):
        operator.embed(OURS, f"pools/{THEIRS}")
    with pytest.raises(PermissionDeniedError):
        next(iter(operator.watch_prompt_versions(THEIRS)))


def test_only_what_lies_in_the_roots_is_embedded(guarded: Running, acting: As) -> None:
    operator = acting(Role.OPERATOR)
    allowed = Path(guarded.store_uri).parent / "allowed"
    outside = write_photographs(allowed.parent / "outside", 1)[0]
    write_photographs(allowed, 3)
    (allowed / "link.jpg").symlink_to(outside)
    operator.create_pool("photos", pool_pb.Pool(classes=CLASSES))
    for source in (str(outside.parent), f"{allowed}/../outside", "s3://bucket/photos"):
        with pytest.raises(PermissionDeniedError) as error:
            operator.embed("photos", source)
        assert error.value.reason == "SOURCE_NOT_ALLOWED"
    *_, run = operator.watch_run(operator.embed("photos", str(allowed)).name)
    assert (run.state, run.error) == (run_pb.RUN_STATE_SUCCEEDED, "")
    assert (run.progress.total, dict(run.progress.rejects)) == (4, {"NOT_ALLOWED": 1})


def test_a_streamed_answer_for_another_pool_loses_no_other(acting: As) -> None:
    client = acting(Role.ANNOTATOR, OURS)
    item = item_ids(20)[-1]
    messages = [
        label_pb.StreamLabelsRequest(
            parent=f"pools/{pool}",
            label=label_pb.LabelInput(
                item=f"pools/{pool}/items/{item}", answer=label_pb.Answer(label="cat")
            ),
        )
        for pool in (THEIRS, OURS)
    ]
    response = LabelServiceStub(client.channel).StreamLabels(iter(messages), timeout=60)
    assert [result.reason for result in response.results] == ["POOL_NOT_ALLOWED", ""]
    assert (response.accepted, response.refused) == (1, 1)


def test_a_stream_ends_with_its_token(guarded: Running, acting: As) -> None:
    token, issued = issue_token(guarded.catalog, "ann", Role.ANNOTATOR, [OURS])
    client, waiting = acting(token.text), SimpleQueue[label_pb.StreamLabelsRequest | None]()

    def message(item: str) -> label_pb.StreamLabelsRequest:
        answer = label_pb.LabelInput(
            item=f"pools/{OURS}/items/{item}", answer=label_pb.Answer(label="cat"), annotator="eve"
        )
        return label_pb.StreamLabelsRequest(parent=f"pools/{OURS}", label=answer)

    first, second = item_ids(20)[-3:-1]
    waiting.put(message(first))
    call = LabelServiceStub(client.channel).StreamLabels.future(iter(waiting.get, None), timeout=60)
    while not any(event.item.endswith(first) for event in client.list_label_events(OURS)):
        time.sleep(0.05)
    revoke_token(guarded.catalog, issued.token_id)
    with pytest.raises(UnauthenticatedError):
        _call_on(client)
    waiting.put(message(second))
    waiting.put(None)
    assert call.code() == grpc.StatusCode.UNAUTHENTICATED
    items = {event.item for event in acting(Role.READER).list_label_events(OURS)}
    assert f"pools/{OURS}/items/{second}" not in items


def _call_on(client: Client) -> None:
    """Call until it is refused: a replica believes a token for some seconds."""
    while client.get_pool(OURS).name:
        time.sleep(0.1)


def test_probes_need_no_token(guarded: Running) -> None:
    with grpc.insecure_channel(guarded.address) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        answer = health.Check(  # pyright: ignore[reportAttributeAccessIssue]
            health_pb2.HealthCheckRequest(), timeout=60
        )
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_who_calls_too_often_is_told_when_to_come_back(acting: As) -> None:
    busy, calm = acting(Role.READER), acting(Role.READER)
    pool = label_pb.ListLabelEventsRequest(parent=f"pools/{OURS}")
    calls = [
        LabelServiceStub(busy.channel).ListLabelEvents.future(pool, timeout=60)
        for _ in range(20 * RATE)
    ]
    codes = [call.code() for call in calls]
    said = {call.details() for call in calls}
    assert set(codes) == {grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED}, said
    refused = calls[codes.index(grpc.StatusCode.RESOURCE_EXHAUSTED)]
    status = rpc_status.from_call(refused)
    assert status is not None
    assert [detail.type_url.rpartition(".")[2] for detail in status.details] == [
        "ErrorInfo",
        "RetryInfo",
    ]
    assert calm.get_pool(OURS).name == f"pools/{OURS}"
