import pytest

from poolscore.errors import UnavailableError
from services.readiness import wait_until_serving


def test_a_service_that_never_serves() -> None:
    with pytest.raises(UnavailableError, match="within 1 s") as caught:
        wait_until_serving("127.0.0.1:9", timeout_s=1.0)
    assert caught.value.reason == "NOT_SERVING"
