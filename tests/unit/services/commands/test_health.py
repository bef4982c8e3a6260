from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from poolscore.errors import UnavailableError
from services.commands.health import health as command

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


@pytest.fixture
def servicer() -> health.HealthServicer:
    return health.HealthServicer()


@pytest.fixture
def port(servicer: health.HealthServicer) -> Generator[int]:
    with ThreadPoolExecutor(1) as threads:
        server = grpc.server(threads)
        health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
        chosen = server.add_insecure_port("127.0.0.1:0")
        server.start()
        yield chosen
        server.stop(None).wait()


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "http://127.0.0.1"])
def test_a_service_that_serves(
    servicer: health.HealthServicer, port: int, host: str, capsys: pytest.CaptureFixture[str]
) -> None:
    servicer.set("", SERVING)
    command(f"{host}:{port}", timeout=5)
    assert capsys.readouterr().out == "SERVING\n"


def test_a_service_that_does_not(servicer: health.HealthServicer, port: int) -> None:
    servicer.set("", NOT_SERVING)
    with pytest.raises(UnavailableError) as caught:
        command(f"127.0.0.1:{port}", timeout=0.3)
    assert caught.value.reason == "NOT_SERVING"
