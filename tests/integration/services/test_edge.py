"""TLS, client certificates and limits of the edge, in front of the running service."""

import select
import socket
import ssl
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import grpc
import pytest

from poolscore.client import Client
from poolscore.errors import PoolscoreError, ResourceExhaustedError
from poolscore.store import run_queue
from poolscore.store.records import RunKind, RunState
from poolscore.tls import Tls
from poolscore.v1 import run_service_pb2 as run_pb
from tests.certificates import Authority, Certificate
from tests.integration.services.edges import Edge, free_port, running_edge
from tests.integration.services.running import Running

# One kind of catalog: nothing here is about it.
pytestmark = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)

BRIEF_S = 1
"""Every patience of the edge that these tests see end."""

HELD = 60
"""Connections that an attacker holds; an address may have 100."""

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000")


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ours"), "ours")


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("theirs"), "theirs")


@pytest.fixture(scope="module")
def edge(
    service: Running, ours: Authority, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Edge]:
    """TLS alone, in front of the service and of an address where nobody listens."""
    patience = {
        f"POOLSCORE_EDGE_{name}_TIMEOUT": f"{BRIEF_S}s" for name in ("REQUEST", "CLIENT", "IDLE")
    }
    backends = service.address, f"127.0.0.1:{free_port()}"
    folder = tmp_path_factory.mktemp("edge")
    with running_edge(folder, ours.issue("server"), backends, **patience) as edge:
        yield edge


def reason_of(address: str, tls: Tls) -> str:
    """Why a call is not possible; empty when it is."""
    with Client(address, tls=tls, timeout_s=20) as client:
        try:
            list(client.list_pools())
        except PoolscoreError as error:
            return error.reason
    return ""


def test_a_client_that_trusts_the_authority_gets_through(edge: Edge, ours: Authority) -> None:
    for _ in range(10):  # the backend that is not there gets none of them
        assert reason_of(edge.address, Tls(ours.path)) == ""
    assert reason_of(f"https://127.0.0.1:{edge.port}", Tls(ours.path)) == ""


def test_a_client_that_trusts_another_authority_says_so(edge: Edge, theirs: Authority) -> None:
    assert reason_of(edge.address, Tls(theirs.path)) == "TLS_UNTRUSTED"


def test_a_client_without_tls_is_told_of_it(edge: Edge) -> None:
    assert reason_of(f"localhost:{edge.port}", Tls()) == "TLS_REQUIRED"


def test_a_client_with_tls_of_a_service_without_is_told_of_it(
    service: Running, ours: Authority
) -> None:
    assert reason_of(f"https://{service.address}", Tls(ours.path)) == "TLS_NOT_SPOKEN"


@pytest.mark.parametrize(
    ("hosts", "lifetime", "reason"),
    [
        (("localhost",), timedelta(hours=-1), "TLS_EXPIRED"),
        (("edge.example.org", "10.1.2.3"), timedelta(hours=1), "TLS_WRONG_HOST"),
    ],
)
def test_an_edge_with_a_bad_certificate_is_not_talked_to(
    tmp_path: Path,
    service: Running,
    ours: Authority,
    hosts: tuple[str, ...],
    lifetime: timedelta,
    reason: str,
) -> None:
    bad = ours.issue("bad", hosts, lifetime)
    with running_edge(tmp_path, bad, [service.address]) as edge:
        assert reason_of(edge.address, Tls(ours.path)) == reason


def test_a_client_shows_a_certificate_that_the_edge_accepts(
    tmp_path: Path, service: Running, ours: Authority, theirs: Authority
) -> None:
    revoked = ours.issue("revoked")
    shown: dict[str, tuple[Certificate | None, str]] = {
        "good": (ours.issue("good"), ""),
        "none": (None, "TLS_CERTIFICATE_MISSING"),
        "of another authority": (theirs.issue("other"), "TLS_CERTIFICATE_REFUSED"),
        "expired": (ours.issue("old", lifetime=timedelta(hours=-1)), "TLS_CERTIFICATE_REFUSED"),
        "revoked": (revoked, "TLS_CERTIFICATE_REFUSED"),
    }
    authorities = "--client-ca", str(ours.path)
    listed = {"POOLSCORE_EDGE_CLIENT_CRL": str(ours.revoke(revoked))}
    server = ours.issue("asking")
    with running_edge(tmp_path, server, [service.address], *authorities, **listed) as edge:
        reasons = {
            name: reason_of(
                edge.address,
                Tls(ours.path, certificate and certificate.path, certificate and certificate.key),
            )
            for name, (certificate, _) in shown.items()
        }
    assert reasons == {name: reason for name, (_, reason) in shown.items()}


def test_a_watch_that_says_nothing_stays_open(
    edge: Edge, ours: Authority, service: Running, new_pool: Callable[..., str]
) -> None:
    pool, catalog = new_pool(), service.catalog
    run = run_queue.begin_run(catalog, pool, RunKind.EMBED, {"sources": ["s"]}, "test")
    with Client(edge.address, tls=Tls(ours.path)) as client:
        watch = client.watch_run(run.name)
        assert next(watch).state == run_pb.RUN_STATE_RUNNING
        time.sleep(3 * BRIEF_S)  # the silence is what is tested
        run_queue.finish_run(catalog, run, "test", RunState.FAILED, "no such folder")
        assert [message.state for message in watch] == [run_pb.RUN_STATE_FAILED]


def test_a_message_over_the_cap_is_refused_and_the_next_call_answered(
    edge: Edge, ours: Authority
) -> None:
    with Client(edge.address, tls=Tls(ours.path)) as client:
        with pytest.raises(PoolscoreError, match="RESOURCE_EXHAUSTED"):
            client.embed("p", "x" * (17 * 1024 * 1024))
        list(client.list_pools())


def test_an_address_that_calls_too_often_is_told_when_to_come_back(
    tmp_path: Path, service: Running, ours: Authority
) -> None:
    few = {"POOLSCORE_EDGE_ADDRESS_CALLS": "5"}
    with (
        running_edge(tmp_path, ours.issue("busy"), [service.address], **few) as edge,
        Client(edge.address, tls=Tls(ours.path)) as client,
    ):
        for _ in range(5):
            list(client.list_pools())
        with pytest.raises(ResourceExhaustedError, match="too many calls") as caught:
            list(client.list_pools())
    assert caught.value.reason == "EDGE_RATE_EXCEEDED"


def test_only_the_contract_is_behind_the_edge(edge: Edge, ours: Authority) -> None:
    with Client(edge.address, tls=Tls(ours.path)) as client:
        for method in ("ray.serve.RayServeAPIService/ListApplications", "anything/Else"):
            with pytest.raises(grpc.RpcError) as caught:
                client.channel.unary_unary(f"/{method}")(b"", timeout=20)
            error: grpc.Call = caught.value  # pyright: ignore[reportAssignmentType]
            assert error.code() is grpc.StatusCode.UNIMPLEMENTED


def test_the_log_has_the_call_and_not_the_token(edge: Edge, ours: Authority) -> None:
    token = f"ps_{'0' * 12}_{'s' * 43}"
    with Client(edge.address, tls=Tls(ours.path), token=token) as client:
        list(client.list_pools())
    log = edge.log.read_text()
    assert "POST /poolscore.v1.PoolService/ListPools" in log
    assert "sss" not in log


def plain(edge: Edge, ours: Authority) -> tuple[socket.socket, bytes]:
    """A handshake that never ends: a record that says it is long."""
    del ours
    return socket.create_connection(("127.0.0.1", edge.port)), bytes.fromhex(
        "16030140"
    ) + b"\1" * 99


def preface(edge: Edge, ours: Authority) -> tuple[socket.socket, bytes]:
    """The beginning of HTTP/2."""
    return shaken(edge, ours), PREFACE


def headers(edge: Edge, ours: Authority) -> tuple[socket.socket, bytes]:
    """All of the headers but their end."""
    connection = shaken(edge, ours)
    connection.sendall(PREFACE)
    return connection, request_headers(b"/poolscore.v1.PoolService/ListPools")


def body(edge: Edge, ours: Authority) -> tuple[socket.socket, bytes]:
    """A request of a thousand bytes."""
    connection = shaken(edge, ours)
    connection.sendall(PREFACE + request_headers(b"/poolscore.v1.PoolService/ListPools"))
    return connection, (1000).to_bytes(3, "big") + b"\0\0" + (1).to_bytes(4, "big") + b"x" * 1000


def shaken(edge: Edge, ours: Authority) -> socket.socket:
    context = Tls(ours.path).context()
    plain = socket.create_connection(("127.0.0.1", edge.port))
    return context.wrap_socket(plain, server_hostname="localhost")


def request_headers(path: bytes) -> bytes:
    """A HEADERS frame of a gRPC call, on stream 1."""
    # HPACK literals: POST, http, and names of the static table (4 :path, 1 :authority, 31
    # content-type).
    block = (
        bytes([0x83, 0x86, 4, len(path)]) + path + b"\1\x09localhost\x0f\x10\x10application/grpc"
    )
    return len(block).to_bytes(3, "big") + b"\1\4" + (1).to_bytes(4, "big") + block


@pytest.mark.parametrize("part", [plain, preface, headers, body])
def test_connections_that_trickle_are_closed_and_stop_nobody(
    edge: Edge, ours: Authority, part: Callable[[Edge, Authority], tuple[socket.socket, bytes]]
) -> None:
    with ThreadPoolExecutor(1) as attacker, Client(edge.address, tls=Tls(ours.path)) as client:
        attack = attacker.submit(trickle, [part(edge, ours) for _ in range(HELD)])
        times: list[float] = []
        while not attack.done() or not times:
            began = time.monotonic()
            list(client.list_pools())
            times.append(time.monotonic() - began)
    assert attack.result() < 10 * BRIEF_S
    assert max(times) < 1


def trickle(held: list[tuple[socket.socket, bytes]]) -> float:
    """Send a byte on each of these connections now and then; return when all were closed."""
    began = time.monotonic()
    left = {connection: iter(data[:-1]) for connection, data in held}
    while left and time.monotonic() - began < 60:
        for connection in list(left):
            byte = next(left[connection], None)
            try:
                if byte is not None:
                    connection.sendall(bytes([byte]))
                if is_closed(connection):
                    raise ConnectionError
            except OSError:
                del left[connection]
                connection.close()
        select.select(list(left), [], [], 0.2)
    return time.monotonic() - began


def is_closed(connection: socket.socket) -> bool:
    """Whether the other side has ended the connection, or the call (with a whole answer)."""
    connection.setblocking(False)
    try:
        data = connection.recv(65536)
    except (BlockingIOError, ssl.SSLWantReadError):
        return False
    finally:
        connection.setblocking(True)
    return data == b"" or b"slowly" in data
