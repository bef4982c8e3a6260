from pathlib import Path

import pytest

from poolscore.client import Client
from poolscore.config import Settings
from poolscore.errors import FailedPreconditionError, UnavailableError
from services.serve import start_service
from tests.integration.services.running import Running


def test_a_taken_port_is_not_shared(service: Running, tmp_path: Path) -> None:
    with pytest.raises(FailedPreconditionError, match="cannot listen on") as caught:
        start_service(Settings(home=tmp_path, address=service.address))
    assert caught.value.reason == "ADDRESS_IN_USE"


def test_nobody_there() -> None:
    with (
        Client("127.0.0.1:9", timeout_s=20) as client,
        pytest.raises(UnavailableError, match=r"127\.0\.0\.1:9; start it with `poolscore serve`"),
    ):
        client.get_pool("p")
