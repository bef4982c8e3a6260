from pathlib import Path

import pytest

from poolscore.client import Client
from poolscore.connection import parse_connection
from poolscore.errors import InvalidInputError
from poolscore.tls import Tls
from tests.certificates import Authority


@pytest.mark.parametrize(
    ("address", "place", "encrypted"),
    [
        ("127.0.0.1:9000", ("127.0.0.1", 9000), False),
        ("http://10.0.0.1:9000", ("10.0.0.1", 9000), False),
        ("https://edge.example.org:9443/", ("edge.example.org", 9443), True),
        ("https://edge.example.org", ("edge.example.org", 443), True),
        ("https://[::1]", ("::1", 443), True),
    ],
)
def test_addresses_of_clients(address: str, place: tuple[str, int], encrypted: bool) -> None:
    connection = parse_connection(address)
    assert (connection.host, connection.port) == place
    assert connection.encrypted == encrypted
    assert str(connection) == address


@pytest.mark.parametrize("address", ["ftp://host:1", "https://", "http://host", "https://a/b:1"])
def test_what_is_no_address_of_a_service(address: str) -> None:
    with pytest.raises(InvalidInputError, match="host:port") as caught:
        parse_connection(address)
    assert caught.value.reason == "INVALID_ADDRESS"


@pytest.mark.parametrize(
    "address", ["https://10.0.0.1:9443", "http://10.0.0.1:9000", "127.0.0.1:9000", "localhost:1"]
)
def test_a_token_travels_encrypted_or_as_the_address_says(address: str) -> None:
    Client(address, token="ps_token").close()


def test_a_token_is_not_sent_in_the_clear_to_another_machine() -> None:
    with pytest.raises(InvalidInputError, match=r"write https://10\.0\.0\.1:9000") as caught:
        Client("10.0.0.1:9000", token="ps_token")
    assert caught.value.reason == "TOKEN_UNPROTECTED"
    assert "ps_token" not in caught.value.message
    Client("10.0.0.1:9000", token="").close()


def test_files_come_from_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POOLSCORE_TLS_CA", str(tmp_path / "gone.pem"))
    with pytest.raises(InvalidInputError, match=r"gone\.pem' does not exist") as caught:
        Client("https://localhost:1")
    assert caught.value.reason == "TLS_FILE_INVALID"


def test_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "authority")
    one, other = authority.issue("one"), authority.issue("other")
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    for tls, said in (
        (Tls(ca=empty), "holds no certificate"),
        (Tls(ca=one.key), "holds no certificate"),
        (Tls(certificate=one.path, key=other.key), "do not hold a certificate and its"),
        (Tls(certificate=one.path), "do not hold a certificate and its"),
        (Tls(key=one.key), "the key of no certificate"),
    ):
        with pytest.raises(InvalidInputError, match=said) as caught:
            parse_connection("https://localhost:1", tls).open(())
        assert caught.value.reason == "TLS_FILE_INVALID"
    Client("https://localhost:1", tls=Tls(authority.path, one.path, one.key)).close()
