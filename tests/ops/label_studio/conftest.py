import re
import signal
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from poolscore.client import Client
from poolscore.v1 import pool_service_pb2 as pool_pb
from tests.integration.services.running import Running, launch, started, stop
from tests.ops.label_studio.environment import Server, environment, server
from tests.photographs import CLASSES, write_photographs

POOL = "photos"
SIZE = 6
Start = Callable[[], AbstractContextManager[str]]


@pytest.fixture(scope="session")
def folder() -> Path:
    return environment()


@pytest.fixture(scope="session")
def both(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Generator[tuple[Running, Server]]:
    """poolscore with an embedded pool, and Label Studio: they start at the same time."""
    home = tmp_path_factory.mktemp("home")
    catalog_url = f"sqlite:///{home}/catalog.db"
    training = '{"min_steps": 20, "epochs": 1}'
    process = launch(home, "127.0.0.1:0", catalog_url, POOLSCORE_TRAINING=training)
    try:
        with server(folder, tmp_path_factory.mktemp("label-studio") / "data") as label_studio:
            running = started(process, home, catalog_url)
            photos = tmp_path_factory.mktemp("photos")
            write_photographs(photos, 40)
            with Client(running.address) as client:
                client.create_pool(POOL, pool_pb.Pool(classes=CLASSES))
                for run in client.watch_run(client.embed(POOL, str(photos)).name):
                    assert not run.error
            yield running, label_studio
        running.catalog.close()
        code, output = stop(process)
        assert code == 0, output
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def service(both: tuple[Running, Server]) -> Running:
    return both[0]


@pytest.fixture
def label_studio(both: tuple[Running, Server]) -> Server:
    return both[1]


@pytest.fixture
def client(service: Running) -> Generator[Client]:
    with Client(service.address) as client:
        yield client


@pytest.fixture
def start_bridge(service: Running, label_studio: Server, monkeypatch: pytest.MonkeyPatch) -> Start:
    """Start `poolscore label-studio`; gives its address. It is killed at the end."""
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", label_studio.token)
    monkeypatch.setenv("LABEL_STUDIO_URL", label_studio.url)
    monkeypatch.setenv("POOLSCORE_ADDRESS", service.address)
    monkeypatch.setenv("COLUMNS", "200")
    arguments = ["label-studio", POOL, "--size", str(SIZE), "--listen", "127.0.0.1:0"]

    @contextmanager
    def start() -> Generator[str]:
        code = "import sys; from poolscore.cli.main import main; main()"
        process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[3],
        )
        try:
            yield _address(process)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()

    return start


def _address(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.fullmatch(r"bridge +(\S+)\n", line):
            return found[1]
    raise AssertionError(f"the bridge ended with {process.wait()}")
