"""A service that asks for tokens, under requests that no honest client sends."""

import asyncio
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import grpc
import psycopg
import pytest
from google.protobuf.message import Message
from hypothesis import HealthCheck, Phase, given, settings
from psycopg import sql
from sqlalchemy import make_url, text

from poolscore.access.caller import Role
from poolscore.client import Client
from poolscore.errors import UnauthenticatedError
from poolscore.store.api_tokens import issue_token
from poolscore.tls import Tls
from poolscore.v1 import pool_service_pb2 as pool_pb
from poolscore.v1 import query_service_pb2 as query_pb
from poolscore.v1 import run_service_pb2 as run_pb
from tests.certificates import Authority
from tests.databases import Databases
from tests.integration.services.edges import running_edge
from tests.integration.services.running import (
    Running,
    launch,
    processes,
    ray_logs,
    started,
    stop,
)
from tests.integration.services.wire import Answer, Request, Wire, send_all, shown, variations
from tests.seeding import seed_pool

pytestmark = pytest.mark.parametrize("databases", ["postgresql"], indirect=True)

REQUESTS, MESSAGES = 10_000, 2_000
"""Each message goes out as it is, and changed."""
POOLS = ("one", "two")
PASSWORD = "correct-horse-battery"

ALLOWED = {
    grpc.StatusCode.OK,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.UNIMPLEMENTED,
    # A worker that is asked much at once says that it is busy.
    grpc.StatusCode.UNAVAILABLE,
    # Seeded prompt versions have no file.
    grpc.StatusCode.DATA_LOSS,
}
"""Not INTERNAL, UNKNOWN, CANCELLED, DEADLINE_EXCEEDED."""


@dataclass(frozen=True)
class Attacked:
    """The service, and a token that may do everything."""

    running: Running
    token: str
    home: Path


@pytest.fixture(scope="module")
def attacked(databases: Databases) -> Generator[Attacked]:
    home, database = Path(tempfile.mkdtemp(prefix="poolscore-")), databases.new()
    # The server trusts this machine; what is asked is where the password turns up.
    catalog_url = make_url(database).set(password=PASSWORD).render_as_string(hide_password=False)
    rules = {
        "POOLSCORE_TOKENS": "always",
        "POOLSCORE_CALL_RATE": "0",
        "POOLSCORE_SOURCE_ROOTS": str(home),
    }
    process = launch(home, "127.0.0.1:0", catalog_url, **rules)
    try:
        running = started(process, home, catalog_url)
        for pool in POOLS:
            seed_pool(running.catalog, running.store_uri, pool)
        token, _ = issue_token(running.catalog, "attacker", Role.ADMIN, None)
        yield Attacked(running, token.text, home)
        running.catalog.close()
        code, output = stop(process)
        assert code == 0, output
        assert token.text not in output
        assert PASSWORD not in output
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(home, ignore_errors=True)
        databases.drop(database)


def leaks(answer: Answer, attacked: Attacked) -> list[str]:
    """What of the inside an answer shows."""
    installation = (str(Path(os.__file__).parent), str(Path(__file__).parents[3]), "site-packages")
    inside = (*installation, str(attacked.home), "Traceback", ".py", "psycopg", PASSWORD)
    return [text for text in (*inside, attacked.token) if text in answer.said]


def requests_of(wire: Wire) -> list[Request]:
    """The same ones each time."""
    made: list[Request] = []

    @settings(
        max_examples=MESSAGES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(wire.requests())
    def collect(request: Request) -> None:
        made.append(request)

    collect()
    return variations(made, REQUESTS // MESSAGES - 1, Random(0))


def test_ten_thousand_requests_of_any_shape(attacked: Attacked) -> None:
    before = processes(attacked.running.process)
    requests = requests_of(Wire(POOLS, attacked.token))
    assert len(requests) >= REQUESTS
    answers = asyncio.run(send_all(attacked.running.address, requests))
    bad = [each for each in answers if each.code not in ALLOWED or leaks(each, attacked)]
    assert not bad, "\n".join(map(shown, bad[:20]))
    codes = Counter(answer.code for answer in answers)
    # They did reach the methods, and what guards them.
    for code in (grpc.StatusCode.OK, grpc.StatusCode.NOT_FOUND, grpc.StatusCode.UNAUTHENTICATED):
        assert codes[code] > REQUESTS // 200, codes
    with Client(attacked.running.address, token=attacked.token) as client:
        assert client.get_pool(POOLS[0]).name == f"pools/{POOLS[0]}"
    assert before <= processes(attacked.running.process)


@contextmanager
def nothing_broken(attacked: Attacked) -> Generator[None]:
    del attacked
    yield


@contextmanager
def broken_schema(attacked: Attacked) -> Generator[None]:
    """The catalog lacks a table."""
    rename = "ALTER TABLE {} RENAME TO {}"
    with attacked.running.catalog.write() as connection:
        connection.execute(text(rename.format("pools", "elsewhere")))
    try:
        yield
    finally:
        with attacked.running.catalog.write() as connection:
            connection.execute(text(rename.format("elsewhere", "pools")))


@contextmanager
def broken_database(attacked: Attacked) -> Generator[None]:
    """The server lets nobody into the database."""
    url = make_url(attacked.running.catalog.url)
    server = url.set(drivername="postgresql", database="postgres")
    with psycopg.connect(server.render_as_string(hide_password=False), autocommit=True) as admin:
        allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
        name = sql.Identifier(str(url.database))
        admin.execute(allow.format(name, sql.SQL("false")))
        try:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                [url.database],
            )
            yield
        finally:
            admin.execute(allow.format(name, sql.SQL("true")))


@contextmanager
def broken_store(attacked: Attacked) -> Generator[None]:
    """The files of rankings are somewhere else."""
    store, elsewhere = Path(attacked.running.store_uri), attacked.home / "elsewhere"
    store.rename(elsewhere)
    try:
        yield
    finally:
        shutil.rmtree(store, ignore_errors=True)  # the service may have begun a new one
        elsewhere.rename(store)


Breaking = Callable[[Attacked], AbstractContextManager[None]]


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        (nothing_broken, grpc.StatusCode.INVALID_ARGUMENT),
        (broken_schema, grpc.StatusCode.INTERNAL),
        (broken_store, grpc.StatusCode.DATA_LOSS),
        (broken_database, grpc.StatusCode.UNAVAILABLE),
    ],
)
def test_what_fails_shows_nothing_of_the_inside(
    attacked: Attacked, broken: Breaking, expected: grpc.StatusCode
) -> None:
    # Of its own: rankings of the others may be in memory.
    pool = f"fresh-{expected.name.lower().replace('_', '-')}"
    seed_pool(attacked.running.catalog, attacked.running.store_uri, pool)
    with broken(attacked):
        answers = asyncio.run(
            send_all(attacked.running.address, failing_calls(pool, attacked.token))
        )
    assert expected in {answer.code for answer in answers}, "\n".join(map(shown, answers))
    assert not [shown(answer) for answer in answers if leaks(answer, attacked)]
    with Client(attacked.running.address, token=attacked.token) as client:
        assert client.get_pool(pool).counts.embedded == 20  # all is well again


def failing_calls(pool: str, token: str) -> list[Request]:
    """Calls of every kind that touch the catalog, the files and the workers."""
    messages: list[tuple[str, Message]] = [
        ("PoolService/GetPool", pool_pb.GetPoolRequest(name=f"pools/{pool}")),
        ("PoolService/GetPool", pool_pb.GetPoolRequest(name="no name")),
        (
            "PoolService/CreatePool",
            pool_pb.CreatePoolRequest(
                pool_id="other",
                pool=pool_pb.Pool(
                    classes=["a", "b"], encoder=pool_pb.Encoder(model="no-such-model")
                ),
            ),
        ),
        (
            "QueryService/LeaseBatch",
            query_pb.LeaseBatchRequest(parent=f"pools/{pool}", size=1, annotator="ann"),
        ),
        (
            "QueryService/StreamRanking",
            query_pb.StreamRankingRequest(name=f"pools/{pool}/rankings/-"),
        ),
        (
            "QueryService/ExplainItem",
            query_pb.ExplainItemRequest(name=f"pools/{pool}/items/item-0001"),
        ),
        ("RunService/ListRuns", run_pb.ListRunsRequest(parent=f"pools/{pool}")),
    ]
    tokens = [f"Bearer {token}", f"Bearer {token[:-4]}AAAA", f"Bearer {token}x", token, "Bearer"]
    return [
        Request(f"/poolscore.v1.{path}", message.SerializeToString(), (("authorization", value),))
        for path, message in messages
        for value in tokens
    ]


def test_a_service_behind_an_edge_asks_for_tokens(attacked: Attacked, tmp_path: Path) -> None:
    authority = Authority(tmp_path, "authority")
    backends = [attacked.running.address]
    with running_edge(tmp_path, authority.issue("edge"), backends) as edge:
        tls = Tls(authority.path)
        with Client(edge.address, tls=tls, token=attacked.token) as client:
            assert client.get_pool(POOLS[0]).name == f"pools/{POOLS[0]}"
        with (
            Client(edge.address, tls=tls, token="") as client,
            pytest.raises(UnauthenticatedError) as caught,
        ):
            client.get_pool(POOLS[0])
        assert caught.value.reason == "TOKEN_MISSING"
        assert attacked.token not in edge.log.read_text()


def test_no_secret_is_in_a_log(attacked: Attacked) -> None:
    """After all that the tests before have made the service say."""
    logs = [path for path in ray_logs(attacked.running.process).rglob("*") if path.is_file()]
    said = {path: path.read_text(errors="replace") for path in logs}
    assert any("incident" in text for text in said.values())
    secret = attacked.token.rpartition("_")[2]
    assert [path for path, text in said.items() if PASSWORD in text or secret in text] == []
